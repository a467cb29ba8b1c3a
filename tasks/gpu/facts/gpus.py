"""The GPUs of a host: those the PCI bus shows against those that nvidia-smi answers for.

Pure parsers with the shell that feeds them. pyinfra has no fact about GPUs.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyinfra.api import StringCommand

from cluster import Problem
from tasks.reach import Fact, probes, shell, text

# Seconds: without persistence mode the driver initialises every GPU on the first call, some 2 s each.
SMI_TIME_LIMIT = 60
# What the probe reports for an nvidia-smi that did not end in time, as timeout(1) would.
TIMED_OUT = 124
NOT_FOUND = 127

BUS, SMI = "gpu/bus.sh", "gpu/smi.sh"
_FIELDS = ("index", "name", "driver_version", "memory.total", "persistence_mode", "pci.bus_id")
# nvidia-smi's own words, as seen on an H100 (docs/hardware.md), and what to do about them.
_REMEDIES = (
    ("libnvidia-ml", "install the libraries of the loaded driver, or have ldconfig know their folder"),
    (
        "blocked by the operating system",
        "check the modes of /dev/nvidia*, and the device rules if the host is a container",
    ),
    ("No devices were found", "look for NVRM in dmesg: the driver could not start the GPU; check /dev/nvidia*, reboot"),
    ("couldn't communicate", "modprobe nvidia, look for NVRM in dmesg"),
)


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi reports it; memory in MiB, None where nvidia-smi has no figure."""

    index: int
    name: str
    driver_version: str
    memory: int | None
    persistence: bool
    bus_id: str


@dataclass(frozen=True)
class SmiReport:
    """What nvidia-smi answered: its exit status, the GPUs, and its words where it failed."""

    status: int = NOT_FOUND
    gpus: tuple[Gpu, ...] = ()
    said: str = ""


def normal_bus_id(bus_id: str) -> str:
    """The PCI address as sysfs writes it: nvidia-smi has capitals and a domain of eight digits."""
    domain, _, rest = bus_id.strip().lower().partition(":")
    return f"{int(domain, 16):04x}:{rest}"


def parse_smi(lines: Sequence[str]) -> SmiReport:
    """Read SMI's output; lines that are not a GPU (warnings, errors) are kept as its words."""
    if not lines or not lines[0].strip().isdigit():
        return SmiReport(status=1, said=" ".join(lines).strip())
    gpus, said = [], []
    for line in lines[1:]:
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == len(_FIELDS) and fields[0].isdigit() and re.fullmatch(r"[\da-fA-F:.]+", fields[5]):
            memory = int(fields[3]) if fields[3].isdigit() else None
            bus_id = normal_bus_id(fields[5])
            gpus.append(Gpu(int(fields[0]), fields[1], fields[2], memory, fields[4] == "Enabled", bus_id))
        elif line.strip():
            said.append(line.strip())
    return SmiReport(int(lines[0]), tuple(gpus), " ".join(said))


def faults(bus: Sequence[str], smi: SmiReport) -> list[Problem]:
    """Everything wrong with a host's GPUs; empty when all is well. `bus` holds the addresses that BUS found."""
    if not bus:
        fix = "check that the card is seated, powered and enabled in the firmware, or set gpu_type for other devices"
        return [Problem("no NVIDIA GPU on the PCI bus", fix, cause="gpu")]
    failure = _failure(smi)
    if failure:
        return [failure]
    found = []
    missing = sorted(set(bus) - {gpu.bus_id for gpu in smi.gpus})
    if missing:
        shown = f"nvidia-smi shows {len(smi.gpus)} of the {len(bus)} GPUs on the PCI bus, missing {', '.join(missing)}"
        found.append(Problem(shown, "look for Xid in dmesg, reseat or replace the card, reboot", cause="gpu-lost"))
    for gpu in smi.gpus:
        if gpu.memory is None:
            fix = "the driver does not fully support it or the card failed: check the driver version, reboot"
            found.append(
                Problem(
                    f"GPU {gpu.index} ({gpu.name}, {gpu.bus_id}) reports no memory size ([N/A])",
                    fix,
                    cause="gpu-health",
                )
            )
    return found


def _failure(smi: SmiReport) -> Problem | None:
    """Why nvidia-smi as a whole gave no usable answer."""
    if smi.status == NOT_FOUND:
        return Problem(
            "nvidia-smi is missing", "install the NVIDIA driver, or have its programs in PATH", cause="driver-missing"
        )
    if smi.status == TIMED_OUT:
        hangs = f"nvidia-smi did not answer within {SMI_TIME_LIMIT} s: the driver or a GPU hangs"
        return Problem(hangs, "look for Xid in dmesg, power-cycle the host", cause="gpu-hangs")
    if re.search(r"driver/library version mismatch", smi.said, re.I):
        mismatch = f"driver/library version mismatch: {smi.said}"
        return Problem(mismatch, "reboot the host so that the installed driver is loaded", cause="driver-mismatch")
    if re.search(r"GPU is lost|fallen off the bus|Unable to determine the device handle", smi.said, re.I):
        lost = f"a GPU has fallen off the bus: {smi.said}"
        return Problem(lost, "look for Xid 79 in dmesg, power-cycle the host", cause="gpu-lost")
    if smi.status != 0:
        remedy = next((remedy for words, remedy in _REMEDIES if words in smi.said), "look for NVRM in dmesg, reboot")
        said = smi.said.rstrip(".") or "it said nothing"
        return Problem(f"nvidia-smi failed with exit status {smi.status}: {said}", remedy, cause="nvidia-smi")
    return None


def describe(gpus: Iterable[Gpu]) -> str:
    """The GPUs in one phrase, as `8 x NVIDIA A100-SXM4-80GB`, for tables of unequal workers."""
    counts = Counter(gpu.name for gpu in gpus)
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items())) or "none"


class NvidiaBus(Fact[tuple[str, ...]]):
    """The PCI addresses of the NVIDIA GPUs that the bus shows."""

    default = tuple

    def command(self) -> StringCommand:
        return probes(bus=shell(text(BUS)))

    def read(self, found: dict[str, str]) -> tuple[str, ...]:
        return tuple(found["bus"].split())


class NvidiaSmi(Fact[SmiReport]):
    """What nvidia-smi answers, within SMI_TIME_LIMIT seconds even when a GPU hangs."""

    default = SmiReport

    def command(self) -> StringCommand:
        return probes(smi=shell(text(SMI), ",".join(_FIELDS), SMI_TIME_LIMIT))

    def read(self, found: dict[str, str]) -> SmiReport:
        return parse_smi(found["smi"].splitlines())
