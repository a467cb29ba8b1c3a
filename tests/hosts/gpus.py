"""A host's GPUs: what the PCI bus shows, and what nvidia-smi answers for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from cluster import Config
from tests.hosts.probes import Answer, Probe

# Without lspci, which minimal installations lack: addresses of NVIDIA's devices of class VGA (0300) or 3D (0302).
BUS = Probe(
    "bus",
    "cd /sys/bus/pci/devices || exit 0; for file in $(grep -lsx 0x10de */vendor); do device=${file%/vendor}; "
    "grep -q '^0x030[02]' $device/class && echo $device; done; true",
)
# Without persistence mode the driver takes some 2 s for every GPU at the first call.
NVIDIA_SMI = Probe(
    "nvidia-smi",
    "nvidia-smi --query-gpu=index,name,driver_version,memory.total,persistence_mode,pci.bus_id "
    "--format=csv,noheader,nounits",
    seconds=60,
)
# What modinfo knows the driver's module as: Debian's is nvidia-current, to which an install line leads.
MODULE_NAME = (
    "$(modprobe --showconfig | sed -n 's/^install nvidia .*modprobe -i \\([^ ]*\\).*/\\1/p' | grep . || echo nvidia)"
)
# The version of the module that the running kernel would load.
INSTALLED = Probe("installed driver", f"modinfo -F version {MODULE_NAME}")
# NVSwitches are bridges of class `other` (0680) of NVIDIA's; the fabric manager joins the GPUs through them.
SWITCHES = Probe(
    "switches",
    "cd /sys/bus/pci/devices || exit 0; for file in $(grep -lsx 0x10de */vendor); do device=${file%/vendor}; "
    "grep -q '^0x0680' $device/class && echo $device; done; true",
)
FABRIC_MANAGER = Probe("fabric manager", "nv-fabricmanager --version")
FABRIC_SERVICE = Probe(
    "fabric service", "systemctl is-active nvidia-fabricmanager; systemctl is-enabled nvidia-fabricmanager"
)
FABRIC_HOLD = Probe("fabric hold", "apt-mark showhold | grep '^nvidia-fabricmanager'")
# What cuInit answers where CUDA does not start, from NVIDIA's cuda.h.
CUDA_ERRORS = {
    3: ("initialization error", "look for NVRM and Xid in dmesg, reboot the host"),
    100: ("no device", "look at nvidia-smi in the container first: the runtime gave it no GPU"),
    802: ("system not yet initialized", "the fabric manager has not joined the GPUs: see /var/log/fabricmanager.log"),
    803: ("driver mismatch", "libcuda is of another version than the loaded driver: reboot the host"),
    804: ("forward compatibility", "take a cuda_image that is no newer than the driver"),
    999: ("unknown error", "look for NVRM and Xid in dmesg; `modprobe nvidia_uvm`, reboot the host"),
}
NOT_FOUND = 127  # the shell's exit status
VERSION = re.compile(r"\b\d{3}\.\d+(?:\.\d+)?\b")
# What nvidia-smi says where it fails as a whole, what that means, and what to do.
WORDS = (
    ("driver/library version mismatch", "driver/library version mismatch", "reboot the host to load the other driver"),
    (
        "GPU is lost|fallen off the bus|Unable to determine the device handle",
        "a GPU has fallen off the bus",
        "look for Xid 79 in dmesg, power-cycle the host",
    ),
    ("libnvidia-ml", "the driver's libraries are not found", "install them, or have ldconfig know their folder"),
    (
        "blocked by the operating system",
        "nvidia-smi may not open the GPUs",
        "check the modes of /dev/nvidia*, and the device rules if the host is a container",
    ),
    (
        "No devices were found",
        "the driver started no GPU",
        "look for NVRM in dmesg; check /dev/nvidia*; reboot the host",
    ),
    ("couldn't communicate", "the driver is not loaded", "run `modprobe nvidia`, look for NVRM in dmesg"),
)


@dataclass(frozen=True)
class Gpu:
    """A GPU by nvidia-smi; `address` is written as the bus has it, and `memory` (MiB) may be no number."""

    index: str
    name: str
    driver: str
    memory: str
    persistence: str
    address: str


def gpus(smi: Answer) -> list[Gpu]:
    """The GPUs in nvidia-smi's answer; lines of other form are warnings."""
    rows = [[word.strip() for word in line.split(",")] for line in smi.out.splitlines()]
    return [Gpu(*[*row[:5], _as_the_bus(row[5])]) for row in rows if len(row) == 6 and row[0].isdigit()]


def _as_the_bus(address: str) -> str:
    """nvidia-smi writes `00000000:BD:00.0` for the bus's `0000:bd:00.0`."""
    domain, _, rest = address.lower().partition(":")
    return f"{domain.lstrip('0'):0>4}:{rest}"


def faults(bus: list[str], smi: Answer, driver: str | None) -> list[str]:
    """All that is wrong with a host's GPUs, each with what to do; `driver`: the version asked for, or its beginning."""
    if not bus:
        return ["no NVIDIA GPU on the PCI bus; seat and power the card, enable it in the firmware, or correct gpu_type"]
    if not smi.ok:
        return [_failure(smi)]
    found = gpus(smi)
    missing = sorted(set(bus) - {gpu.address for gpu in found})
    said = []
    if missing:
        said.append(
            f"nvidia-smi shows {len(found)} of the {len(bus)} GPUs on the PCI bus, missing {', '.join(missing)}; "
            "look for Xid in dmesg, reseat or replace the card, reboot the host"
        )
    for gpu in found:
        if not gpu.memory.isdigit():
            said.append(
                f"GPU {gpu.index} ({gpu.name}, {gpu.address}) reports no memory size ({gpu.memory}); "
                "check the driver's version, reboot the host, replace the card"
            )
        if driver and not f"{gpu.driver}.".startswith(f"{driver}."):
            said.append(f"GPU {gpu.index} runs driver {gpu.driver}, expected {driver}; reboot the host")
    return said


def _failure(smi: Answer) -> str:
    if smi.status == NOT_FOUND:
        return "nvidia-smi is missing; install the driver (nvidia_driver in config.yaml)"
    if smi.timed_out:
        return f"nvidia-smi did not answer within {smi.probe.seconds} s; look for Xid in dmesg, power-cycle the host"
    for words, cause, remedy in WORDS:
        if re.search(words, smi.out + smi.err, re.IGNORECASE):
            return f"{cause} (nvidia-smi: {smi.problem}); {remedy}"
    return f"nvidia-smi failed ({smi.problem}); look for NVRM in dmesg, reboot the host"


def cuda_fault(answer: Answer, wanted: int) -> str | None:
    """Why the program of cuda_program.py does not show `wanted` GPUs in its container; None where it does."""
    said = re.search(r"cuInit (\d+), (\d+) GPUs", answer.out)
    if not said:
        return f"no answer of CUDA in a container ({answer.problem}); have libcuda.so.1 with the driver, in ldconfig -p"
    result, count = map(int, said.groups())
    if result:
        meaning, remedy = CUDA_ERRORS.get(result, ("see cuda.h", "look for NVRM and Xid in dmesg"))
        return f"CUDA does not start in a container: cuInit says {result} ({meaning}); {remedy}"
    if count != wanted:
        return f"CUDA has {count} of {wanted} GPUs in a container; look at their compute mode and Xid in dmesg"
    return None


def describe(found: Iterable[Gpu]) -> str:
    """GPUs in one phrase, as `8 x NVIDIA A100-SXM4-80GB`."""
    counts = Counter(gpu.name for gpu in found)
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items())) or "none"


def version_in(text: str) -> str | None:
    """The first driver version in `text`, as 535.183.01."""
    found = VERSION.search(text)
    return found[0] if found else None


def wanted_driver(config: Config) -> str | None:
    """The driver's version that the config asks for, or its beginning; None where any will do."""
    if config.nvidia_driver_version:
        return config.nvidia_driver_version
    if config.nvidia_driver == "runfile":
        return version_in(PurePosixPath(config.nvidia_driver_runfile or "").name)
    return (config.nvidia_driver_branch or "").partition("-")[0] or None
