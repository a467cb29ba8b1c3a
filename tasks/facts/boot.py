"""Which boot a host runs, and what a reboot of it would stop.

pyinfra's Uptime cannot tell a reboot where /proc/uptime is another kernel's, nor one that took a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.facts.sections import SECTION, parse_sections

BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Every container of Docker and of Kubernetes has a shim, and keeps it while its daemon is down.
CONTAINERS = 'cat /proc/[0-9]*/comm | grep -c "^containerd-shim"'


@dataclass(frozen=True)
class BootState:
    """The identity of the running boot, and the number of containers running in it."""

    boot_id: str = ""
    containers: int = 0


class Boot(FactBase[BootState]):
    """The running boot of a host."""

    default = BootState

    def command(self) -> str:
        return f"{SECTION}\nsection boot_id cat {BOOT_ID}\nsection containers sh -c '{CONTAINERS}'"

    def process(self, output: list[str]) -> BootState:
        found = parse_sections(output)
        return BootState(found["boot_id"], int(found["containers"] or 0))
