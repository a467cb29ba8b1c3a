"""A service against its files, and which boot a host runs.

pyinfra's Uptime cannot tell a reboot where /proc/uptime is another kernel's, nor one that took a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.reach import SECTION, parse_sections

# Seconds: the resolution of /proc/uptime, from which the start of a service is computed.
CLOCK_RESOLUTION = 0.05


@dataclass(frozen=True)
class Service:
    """A systemd unit: there, enabled, active, and when its process started and its files last changed (epoch s).

    `outdated` is true while systemd has an older unit file in memory.
    """

    loaded: bool = False
    enabled: bool = False
    active: bool = False
    started: float = 0.0
    changed: float = 0.0
    outdated: bool = False

    @property
    def stale(self) -> bool:
        """True when a file changed after the service started."""
        return self.changed >= self.started - CLOCK_RESOLUTION


class ServiceState(FactBase[Service]):
    """The state of `unit`, with the latest change among `files`, in one command."""

    default = Service

    def command(self, unit: str, files: list[str]) -> str:
        return (
            f"{SECTION}\n"
            f"section unit systemctl show {unit} "
            "-p LoadState,ActiveState,UnitFileState,ExecMainStartTimestampMonotonic,NeedDaemonReload\n"
            "section clock sh -c 'date +%s.%N; cut -d\" \" -f1 /proc/uptime'\n"
            f"section changed stat -c %.Z {' '.join(files)}"
        )

    def process(self, output: list[str]) -> Service:
        found = parse_sections(output)
        unit = dict(line.split("=", 1) for line in found["unit"].splitlines())
        monotonic = int(unit.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
        return Service(
            loaded=unit.get("LoadState") == "loaded",
            enabled=unit.get("UnitFileState") == "enabled",
            active=unit.get("ActiveState") == "active",
            started=started_at(found["clock"], monotonic),
            changed=max(map(float, found["changed"].split()), default=0.0),
            outdated=unit.get("NeedDaemonReload") == "yes",
        )


def started_at(clock: str, monotonic: float) -> float:
    """Epoch seconds of `monotonic` (seconds since boot; 0: never); `clock` is `date +%s.%N` and the uptime."""
    now, uptime = (float(number) for number in clock.split())
    return now - uptime + monotonic if monotonic else 0.0


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
