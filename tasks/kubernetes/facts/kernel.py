"""What Kubernetes asks of a kernel: modules, sysctls, no swap.

pyinfra's KernelModules lists loaded modules, which says nothing of what is built in; its Sysctl reads all of them.
"""

from dataclasses import dataclass, field

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes, shell

# What each module provides, and so how to see it whether loaded, built in, or belonging to the machine of a container.
PROVIDES = {
    "overlay": "grep -qw overlay /proc/filesystems",
    "br_netfilter": "test -e /proc/sys/net/bridge/bridge-nf-call-iptables",
}
# Services that turn swap on by themselves, past swap.target (systemd-zram-generator's units hang from that): Debian's,
# and zram-config of Ubuntu.
SWAP_SERVICES = ("dphys-swapfile.service", "swapspace.service", "zram-config.service", "zramswap.service")


@dataclass(frozen=True)
class Kernel:
    """A host's kernel: modules in effect, sysctl values, swap in use, and whether it can come back."""

    modules: frozenset[str] = frozenset()
    sysctls: dict[str, str] = field(default_factory=dict)
    swaps: tuple[str, ...] = ()
    swap_masked: bool = False
    swap_services: tuple[str, ...] = ()


class KernelState(Fact[Kernel]):
    """Read the named sysctls, and the rest, in one command."""

    default = Kernel

    def command(self, sysctls: list[str]) -> StringCommand:
        modules = "; ".join(f"{{ {test}; }} && echo {name}" for name, test in PROVIDES.items())
        value = 'echo "$name=$(cat "/proc/sys/$(echo "$name" | tr . /)")"'
        return probes(
            modules=shell(modules),
            sysctls=shell(f"for name; do {value}; done", *sysctls),
            swaps=["tail", "-n", "+2", "/proc/swaps"],
            target=["systemctl", "is-enabled", "swap.target"],
            services=["systemctl", "list-unit-files", "--no-legend", "--state=enabled", *SWAP_SERVICES],
        )

    def read(self, found: dict[str, str]) -> Kernel:
        return Kernel(
            modules=frozenset(found["modules"].split()),
            sysctls=dict(line.split("=", 1) for line in found["sysctls"].splitlines()),
            swaps=tuple(line.split()[0] for line in found["swaps"].splitlines()),
            swap_masked=found["target"].startswith("masked"),
            swap_services=tuple(line.split()[0] for line in found["services"].splitlines()),
        )
