"""What Kubernetes asks of a kernel: modules, sysctls, no swap.

pyinfra's KernelModules lists loaded modules, which says nothing of what is built in; its Sysctl reads all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase

from tasks.reach import SECTION, parse_sections

# What each module provides, and so how to see it whether loaded, built in, or belonging to the machine of a container.
PROVIDES = {
    "overlay": "grep -qw overlay /proc/filesystems",
    "br_netfilter": "test -e /proc/sys/net/bridge/bridge-nf-call-iptables",
}
# Services that turn swap on by themselves, past swap.target.
SWAP_SERVICES = ("dphys-swapfile.service", "swapspace.service", "zramswap.service")


@dataclass(frozen=True)
class Kernel:
    """A host's kernel: modules in effect, sysctl values, swap in use, and whether it can come back."""

    modules: frozenset[str] = frozenset()
    sysctls: dict[str, str] = field(default_factory=dict)
    swaps: tuple[str, ...] = ()
    swap_masked: bool = False
    swap_services: tuple[str, ...] = ()


class KernelState(FactBase[Kernel]):
    """Read the named sysctls, and the rest, in one command."""

    default = Kernel

    def command(self, sysctls: list[str]) -> str:
        modules = "; ".join(f"{{ {test}; }} && echo {name}" for name, test in PROVIDES.items())
        values = "; ".join(f"echo {name}=$(cat /proc/sys/{name.replace('.', '/')})" for name in sysctls)
        return (
            f"{SECTION}\n"
            f"section modules sh -c '{modules}'\n"
            f"section sysctls sh -c '{values}'\n"
            "section swaps sh -c 'tail -n +2 /proc/swaps'\n"
            "section target systemctl is-enabled swap.target\n"
            f"section services systemctl list-unit-files --no-legend --state=enabled {' '.join(SWAP_SERVICES)}"
        )

    def process(self, output: list[str]) -> Kernel:
        found = parse_sections(output)
        return Kernel(
            modules=frozenset(found["modules"].split()),
            sysctls=dict(line.split("=", 1) for line in found["sysctls"].splitlines()),
            swaps=tuple(line.split()[0] for line in found["swaps"].splitlines()),
            swap_masked=found["target"].startswith("masked"),
            swap_services=tuple(line.split()[0] for line in found["services"].splitlines()),
        )
