"""The GPUs of one lab host: its hardware, what is wrong with it, and what was installed before the lab began."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lab.shell import LabError

MOST_GPUS = 12
"""So many PCI addresses the stand-in kernel has for GPUs."""


@dataclass(frozen=True)
class Profile:
    """A GPU worker. Faults are the last group; each shows as it does on real hardware."""

    model: str = "NVIDIA H100 80GB HBM3"
    count: int = 4
    memory_mib: int = 81559
    pci_device: str = "0x2330"
    pci_class: str = "0x030200"
    nvswitches: int = 0
    """Bridges that join the GPUs, once the fabric manager runs."""

    nouveau: bool = True
    """Whether the kernel has the nouveau module, and loads it where nothing forbids it."""
    driver_version: str | None = None
    """The driver that NVIDIA's installer put there beforehand; None for a bare machine."""
    headers: bool = True
    """Whether the distribution still offers the headers of the running kernel."""
    secure_boot: bool = False
    display_manager: bool = False
    installer_seconds: float = 2
    """How long the runfile takes."""

    gpu_fell_off_bus: int | None = None
    """Index of a GPU that the PCI bus shows and the driver has lost."""
    count_lower: int | None = None
    """So many GPUs the driver starts, fewer than the bus shows."""
    na_memory: bool = False
    """nvidia-smi reports [N/A] memory."""
    remap: str | None = None
    """What nvidia-smi says of the memory of every GPU: rows to be remapped are `pending`, or that is a `failure`."""
    throttled: bool = False
    """Every GPU is slowed down by heat."""
    narrow: int | None = None
    """Index of a GPU that has 8 of its 16 PCIe lanes."""
    hang: bool = False
    """nvidia-smi never returns, and is deaf to SIGTERM."""
    mismatch: str | None = None
    """Version of the kernel module that gets loaded instead of the installed one, as from a stale initramfs."""

    def shell(self) -> str:
        """The profile as the assignments that the hosts' programs read."""
        values = {
            "GPU_MODEL": self.model,
            "GPU_COUNT": self.count,
            "GPU_MEMORY_MIB": self.memory_mib,
            "PCI_DEVICE": self.pci_device,
            "PCI_CLASS": self.pci_class,
            "SWITCH_COUNT": self.nvswitches,
            "SECURE_BOOT": self.secure_boot,
            "INSTALLER_SECONDS": self.installer_seconds,
            "FAULT_LOST": self.gpu_fell_off_bus,
            "FAULT_COUNT": self.count_lower,
            "FAULT_NA_MEMORY": self.na_memory,
            "FAULT_REMAP": self.remap,
            "FAULT_THROTTLED": self.throttled,
            "FAULT_NARROW": self.narrow,
            "FAULT_HANG": self.hang,
            "FAULT_LOADED_VERSION": self.mismatch,
        }
        return "".join(f"{name}={shlex.quote(_word(value))}\n" for name, value in values.items())


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


NAMED = {
    "default": Profile(driver_version="550.54.14"),
    "bare": Profile(),
    "nvswitch": Profile(driver_version="550.54.14", count=8, nvswitches=4),
    "openpai": Profile(driver_version="550.54.14", count=max(1, min(4, (os.cpu_count() or 1) // 2))),
}
"""Four H100s each: as the guide wants its workers, with the driver; and as they come from the factory. Then eight of
them joined by NVSwitches (HGX), with the driver and no fabric manager. For OpenPAI no more than every other processor:
what a job gets of a worker must have a whole processor for each GPU."""


def parse(text: str) -> Profile:
    """The profile of that name (see NAMED), or given as JSON, or as the path of a JSON file."""
    if text in NAMED:
        return NAMED[text]
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text()
        except OSError as error:
            raise LabError(
                f"GPU profile {text}: {error.strerror}; give {', '.join(NAMED)}, JSON, or the path of a JSON file"
            ) from error
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabError(f"GPU profile: not JSON: {error}") from error
    unknown = sorted(set(given) - {field.name for field in fields(Profile)})
    if unknown:
        known = ", ".join(field.name for field in fields(Profile))
        raise LabError(f"GPU profile: no such key: {', '.join(unknown)}; there are {known}")
    profile = Profile(**given)
    if not 0 <= profile.count <= MOST_GPUS:
        raise LabError(f"GPU profile: count is {profile.count}, and must be 0 to {MOST_GPUS}")
    return profile


def write(profile: Profile, folder: Path) -> None:
    """Put the profile into a host's gpu/ folder, at once and whole: programs on the host may be reading it."""
    for name, text in {
        "profile.json": json.dumps(asdict(profile), indent=1) + "\n",
        "profile": profile.shell(),
    }.items():
        draft = folder / f".{name}.new"
        draft.write_text(text)
        draft.rename(folder / name)
