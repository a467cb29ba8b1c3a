"""A service against its files, which boot a host runs, and whom systemd would take a device from.

pyinfra's Uptime cannot tell a reboot where /proc/uptime is another kernel's, nor one that took a few seconds.
"""

import re
from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probe_script, probes, shell, text
from tasks.systemd.at_work import read_lines, shims

# Seconds: the resolution of /proc/uptime, from which the start of a service is computed.
CLOCK_RESOLUTION = 0.05
# Tells what started_at() takes.
CLOCK = text("systemd/clock.sh")


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


class ServiceState(Fact[Service]):
    """The state of `unit`, with the latest change among `files`, in one command."""

    default = Service

    def command(self, unit: str, files: list[str]) -> StringCommand:
        started = "ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic"
        shown = f"LoadState,ActiveState,UnitFileState,{started},NeedDaemonReload"
        return probes(
            unit=["systemctl", "show", "-p", shown, "--", unit],
            clock=shell(CLOCK),
            changed=["stat", "-c", "%.Z", "--", *files],
        )

    def read(self, found: dict[str, str]) -> Service:
        unit = dict(line.split("=", 1) for line in found["unit"].splitlines())
        return Service(
            loaded=unit.get("LoadState") == "loaded",
            enabled=unit.get("UnitFileState") == "enabled",
            active=unit.get("ActiveState") == "active",
            started=started_at(found["clock"], unit),
            changed=max(map(float, found["changed"].split()), default=0.0),
            outdated=unit.get("NeedDaemonReload") == "yes",
        )


def started_at(clock: str, unit: dict[str, str]) -> float:
    """When the main process of `unit` (of `systemctl show`), or a timer, started, in epoch seconds; 0: it never did.

    `clock` is `date +%s.%N` and the uptime.
    """
    # A timer has no process.
    since = unit.get("ExecMainStartTimestampMonotonic", unit.get("ActiveEnterTimestampMonotonic"))
    monotonic = int(since or 0) / 1e6
    now, uptime = (float(number) for number in clock.split())
    return now - uptime + monotonic if monotonic else 0.0


BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Defines gpu_processes, for programs that ask who uses the GPUs.
GPU_PROCESSES = "systemd/gpu-processes.sh"
# Says what at_work.in_words() reads.
AT_WORK = f"{text(GPU_PROCESSES)}\n{text('systemd/at-work.sh')}"


@dataclass(frozen=True)
class BootState:
    """The identity of the running boot, and what it would end if it ended: lines of AT_WORK."""

    boot_id: str = ""
    at_work: tuple[str, ...] = ()

    @property
    def containers(self) -> int:
        """How many containers of Docker and of Kubernetes run."""
        return shims(self.at_work)


class Boot(Fact[BootState]):
    """The running boot of a host."""

    default = BootState

    def command(self) -> StringCommand:
        return probes(boot_id=["cat", BOOT_ID], at_work=shell(AT_WORK))

    def read(self, found: dict[str, str]) -> BootState:
        return BootState(found["boot_id"], read_lines(found["at_work"]))


class LosingGpus(Fact[list[str]]):
    """Running containers, by the beginning of their ids, that lose their GPUs when systemd reads its units anew.

    It then gives each container's scope the devices that it was told of. Toolkits before 1.18, in their default mode,
    open GPUs behind its back (NVIDIA/nvidia-container-toolkit#48).
    """

    default = list

    def command(self) -> StringCommand:
        return probe_script("systemd/gpu-containers.sh")

    def read(self, found: dict[str, str]) -> list[str]:
        devices: dict[str, set[str]] = {}
        for line in found["devices"].splitlines():
            group, number = line.split()
            devices.setdefault(group, set()).add(number)
        losing = []
        for block in filter(None, found["scopes"].split("\n--\n")):
            lines = [line.split("=", 1) for line in block.splitlines()]
            scope = {key: value for key, value in lines}
            allowed = [value.split() for key, value in lines if key == "DeviceAllow" and value]
            told = {path.removeprefix("/dev/char/") for path, modes in allowed if "r" in modes}
            if scope["DevicePolicy"] != "auto" and devices.get(scope["ControlGroup"], set()) - told:
                losing.append(re.sub(r"^.*-|\.scope$", "", scope["Id"])[:12])
        return losing
