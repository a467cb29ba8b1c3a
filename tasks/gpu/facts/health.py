"""What a host's GPUs suffer from while they answer, by nvidia-smi, the PCI bus and the kernel's log."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyinfra.api import StringCommand

from cluster import Problem
from tasks.gpu.facts.gpus import BUS, SMI_TIME_LIMIT, normal_bus_id
from tasks.reach import Fact, probe_script, text

# Those of NVIDIA's "XID Errors" that speak of the hardware or its firmware; the others are made by programs.
_XIDS = {
    48: "an uncorrectable memory error",
    61: "a breakpoint of the microcontroller",
    62: "a halt of the microcontroller",
    63: "a row of memory to be remapped",
    64: "a row of memory that could not be remapped",
    74: "an NVLink error",
    79: "it fell off the bus",
    92: "a high rate of corrected memory errors",
    94: "a contained memory error",
    95: "an uncontained memory error",
    119: "its firmware (GSP) did not answer",
    120: "its firmware (GSP) failed",
    140: "an uncorrected memory error",
}


@dataclass(frozen=True)
class GpuHealth:
    """By PCI address: GPUs with uncorrected memory errors since the driver was loaded, and what else is not well.

    `pending`: memory that the next reset retires; `failed`: memory that nothing is left to replace; `narrow`: lanes in
    use and lanes there are; `xids`: addresses with the errors of this boot in the kernel's log.
    """

    uncorrected: dict[str, int] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    throttled: frozenset[str] = frozenset()
    narrow: dict[str, tuple[int, int]] = field(default_factory=dict)
    xids: tuple[tuple[str, int], ...] = ()


class NvidiaHealth(Fact[GpuHealth]):
    """Read it; costs nvidia-smi two calls where a driver is loaded, and never loads one."""

    default = GpuHealth

    def command(self) -> StringCommand:
        return probe_script("gpu/health.sh", SMI_TIME_LIMIT, text(BUS))

    def read(self, found: dict[str, str]) -> GpuHealth:
        gpus, rows = _table(found["gpus"], 5), _table(found["rows"], 3)
        widths = (line.split() for line in found["lanes"].splitlines())
        lanes = {gpu: (int(now), int(most)) for gpu, now, most in widths}
        xids = (line.split() for line in found["xids"].splitlines())
        return GpuHealth(
            uncorrected={gpu: int(row[0]) for gpu, row in gpus.items() if row[0].isdigit() and int(row[0])},
            pending=frozenset(
                [gpu for gpu, row in gpus.items() if row[1] == "Yes"]
                + [gpu for gpu, row in rows.items() if row[0] == "Yes"]
            ),
            failed=frozenset(gpu for gpu, row in rows.items() if row[1] == "Yes"),
            throttled=frozenset(gpu for gpu, row in gpus.items() if "Active" in row[2:]),
            # 0 and 255 are no widths: the link is down, or not the card's own.
            narrow={gpu: (now, most) for gpu, (now, most) in lanes.items() if 0 < now < most < 255},
            xids=tuple((_address(gpu), int(xid)) for gpu, xid in xids if int(xid) in _XIDS),
        )


def _table(output: str, columns: int) -> dict[str, list[str]]:
    """nvidia-smi's rows by PCI address; other lines are its words about fields that this driver does not know."""
    rows = [[cell.strip() for cell in line.split(",")] for line in output.splitlines()]
    return {
        normal_bus_id(row[0]): row[1:]
        for row in rows
        if len(row) == columns and re.fullmatch(r"[\da-fA-F]+:[\da-fA-F:.]+", row[0])
    }


def _address(logged: str) -> str:
    """The PCI address as sysfs writes it, of one in the kernel's log, which may lack the function."""
    address = normal_bus_id(logged)
    return address if "." in address else f"{address}.0"


def defects(health: GpuHealth) -> Iterator[Problem]:
    """What NVIDIA replaces a card for."""
    for gpu in sorted(health.failed):
        yield Problem(
            f"GPU {gpu} has memory that cannot be remapped any more",
            "have the card replaced (RMA), or leave the host out",
            cause="gpu-memory",
        )


def ailments(health: GpuHealth) -> Iterator[Problem]:
    """What slows jobs down or will end them, though the GPU answers."""
    for gpu, count in sorted(health.uncorrected.items()):
        yield Problem(
            f"GPU {gpu} has had {count} uncorrected memory errors",
            "reset it or reboot; watch for more",
            cause="gpu-health",
        )
    for gpu in sorted(health.pending):
        yield Problem(
            f"GPU {gpu} has memory to be remapped or retired", "drain the host and reboot it", cause="gpu-health"
        )
    for gpu, (now, most) in sorted(health.narrow.items()):
        yield Problem(
            f"GPU {gpu} uses {now} of {most} PCIe lanes",
            "reseat the card or its riser, look at the firmware",
            cause="gpu-health",
        )
    for gpu in sorted(health.throttled):
        yield Problem(
            f"GPU {gpu} is slowed down by heat or power",
            "look at fans, air flow and power supplies",
            cause="gpu-health",
        )
    for gpu, xid in health.xids:
        yield Problem(
            f"GPU {gpu}: Xid {xid} in the kernel's log, {_XIDS[xid]}",
            "look at dmesg; reboot, test the card",
            cause="gpu-health",
        )
