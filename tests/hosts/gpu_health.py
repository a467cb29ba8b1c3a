"""What GPUs suffer from while they answer, by nvidia-smi, the PCI bus and the kernel's log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.hosts.probes import Answer, Probe

PROBES = (
    Probe(
        "gpu state",
        "nvidia-smi --format=csv,noheader --query-gpu=pci.bus_id,ecc.errors.uncorrected.volatile.total,"
        "retired_pages.pending,clocks_throttle_reasons.hw_slowdown,clocks_throttle_reasons.sw_thermal_slowdown",
        seconds=60,
    ),
    Probe(
        "gpu memory",
        "nvidia-smi --format=csv,noheader --query-remapped-rows=gpu_bus_id,remapped_rows.pending,remapped_rows.failure",
        seconds=60,
    ),
    Probe(
        "gpu lanes",
        "cd /sys/bus/pci/devices || exit 0; for file in $(grep -lsx 0x10de */vendor); do device=${file%/vendor}; "
        "grep -q '^0x030[02]' $device/class && echo $device $(cat $device/current_link_width $device/max_link_width); "
        "done; true",
    ),
    Probe("gpu errors", "dmesg | grep -o 'NVRM: Xid (PCI:[^)]*): [0-9]*' | sort -u"),
)
# Of NVIDIA's "XID Errors" those that are not made by programs: memory, NVLink, firmware, the bus.
HARDWARE = frozenset({48, 61, 62, 63, 64, 74, 79, 92, 94, 95, 119, 120, 140})


def _rows(answer: Answer, columns: int) -> Iterator[list[str]]:
    """The rows of a table of nvidia-smi's, each with its GPU first; fields that a driver does not know make none."""
    for line in answer.out.splitlines():
        row = [word.strip() for word in line.split(",")]
        if len(row) == columns and re.fullmatch(r"[\da-fA-F:.]+", row[0]):
            yield row


def defects(answers: dict[str, Answer]) -> list[str]:
    """What NVIDIA replaces a card for."""
    spent = [gpu for gpu, _, failed in _rows(answers["gpu memory"], 3) if failed == "Yes"]
    return [f"GPU {gpu} has no memory left to remap; have the card replaced (RMA)" for gpu in spent]


def ailments(answers: dict[str, Answer]) -> list[str]:
    """What slows jobs down or will end them."""
    found = []
    for gpu, errors, retired, slow, hot in _rows(answers["gpu state"], 5):
        if errors.isdigit() and int(errors):
            found.append(f"GPU {gpu} has had {errors} uncorrected memory errors; reset it or reboot the host")
        if retired == "Yes":
            found.append(f"GPU {gpu} has memory to be retired; drain the host and reboot it")
        if "Active" in (slow, hot):
            found.append(f"GPU {gpu} is slowed down by heat or power; look at fans, air flow and power supplies")
    for gpu, pending, _ in _rows(answers["gpu memory"], 3):
        if pending == "Yes":
            found.append(f"GPU {gpu} has memory to be remapped; drain the host and reboot it")
    for gpu, now, most in (line.split() for line in answers["gpu lanes"].out.splitlines() if line.count(" ") == 2):
        if 0 < int(now) < int(most) < 255:
            found.append(f"GPU {gpu} uses {now} of {most} PCIe lanes; reseat the card or its riser")
    for gpu, xid in re.findall(r"Xid \(PCI:(\S+)\): (\d+)", answers["gpu errors"].out):
        if int(xid) in HARDWARE:
            found.append(f"GPU {gpu}: Xid {xid} in the kernel's log; look at dmesg, reboot, test the card")
    return found
