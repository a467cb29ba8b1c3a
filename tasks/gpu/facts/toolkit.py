"""NVIDIA's container toolkit on a host, and the links by which systemd knows GPUs.

pyinfra has facts for single files and packages only.
"""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from cluster.versions import numbers
from tasks.reach import Fact, probes, shell

# NVIDIA's bulletins of 2025 (CVE-2025-23266, CVE-2025-23267): before it a container's image can take over the host.
MINIMUM = "1.17.8"
# From 1.18 on the runtime writes GPUs into the container's specification (mode jit-cdi), and systemd is told of them.
_TELLS_SYSTEMD = (1, 18)
# The first with create-dev-char-symlinks.
_MAKES_LINKS = (1, 12)

# Devices of the driver without a link by their number, as 195:0.
_UNLINKED = """
set --
for node in /dev/nvidia[0-9]* /dev/nvidiactl /dev/nvidia-uvm; do
    [ ! -c "$node" ] || set -- "$@" "$node"
done
[ $# = 0 ] || stat -c '%t %T' "$@" | while read -r major minor; do
    number=$((0x$major)):$((0x$minor))
    [ -e "/dev/char/$number" ] || echo "$number"
done
"""


@dataclass(frozen=True)
class Toolkit:
    """The toolkit's version (empty: none), the text of `rule`, and GPU devices without a link."""

    version: str = ""
    rule: str = ""
    unlinked: tuple[str, ...] = ()

    @property
    def wants_links(self) -> bool:
        """True where containers keep their GPUs only by links."""
        return _MAKES_LINKS <= numbers(self.version) < _TELLS_SYSTEMD


class NvidiaToolkit(Fact[Toolkit]):
    """The toolkit, and the udev rule at the path `rule`."""

    default = Toolkit

    def command(self, rule: str) -> StringCommand:
        return probes(version=["nvidia-ctk", "--version"], rule=["cat", "--", rule], unlinked=shell(_UNLINKED))

    def read(self, found: dict[str, str]) -> Toolkit:
        version = found["version"].splitlines()[:1]
        return Toolkit(
            version=version[0].rpartition(" ")[2] if version else "",
            rule=f"{found['rule']}\n" if found["rule"] else "",
            unlinked=tuple(found["unlinked"].split()),
        )


def unsafe(version: str) -> bool:
    """True for a version of the toolkit with holes that are known.

    >>> unsafe("1.16.2-1"), unsafe("1.17.8-1"), unsafe("1.20.0-1")
    (True, False, False)
    """
    return numbers(version) < numbers(MINIMUM)
