"""What a host calls itself."""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import KUBELET_CONF
from tasks.reach import Fact, probes

HOSTS = "/etc/hosts"
# Where Debian and Ubuntu keep a host's own name.
OWN = "127.0.1.1"


@dataclass(frozen=True)
class HostName:
    """A host's name, its /etc/hosts, and whether it is a Kubernetes node, whoever made it one."""

    name: str = ""
    hosts: str = ""
    node: bool = False


class OwnName(Fact[HostName]):
    """The host's name and what hangs from it, in one command."""

    default = HostName

    def command(self) -> StringCommand:
        return probes(name=["uname", "-n"], hosts=["cat", HOSTS], node=["ls", KUBELET_CONF])

    def read(self, found: dict[str, str]) -> HostName:
        return HostName(found["name"], found["hosts"], bool(found["node"]))


def renamed(hosts: str, old: str, new: str) -> str:
    """The text of /etc/hosts with `new` for `old` in the host's own line; a line is added where none has `new`.

    >>> renamed("127.0.1.1 old.example.com old  # setup", "old", "new")
    '127.0.1.1 new.example.com new # setup\\n'
    """
    old = old.partition(".")[0]
    lines, known = [], False
    for line in hosts.splitlines():
        written, mark, comment = line.partition("#")
        address, *names = written.split() or [""]
        if address == OWN and old not in ("", "localhost"):
            names = [new + name[len(old) :] if f"{name}.".startswith(f"{old}.") else name for name in names]
            if names != written.split()[1:]:
                line = " ".join([OWN, *dict.fromkeys(names), *([mark + comment] if mark else [])])
        known = known or new in names
        lines.append(line)
    return "".join(f"{line}\n" for line in [*lines, *([] if known else [f"{OWN} {new}"])])
