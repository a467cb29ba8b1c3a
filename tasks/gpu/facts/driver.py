"""The NVIDIA driver of a host: loaded against installed, where it came from, and what an installation would need.

One fact for all of it; pyinfra has facts for single modules and packages only.
"""

import re
from dataclasses import dataclass, field

from pyinfra.api import StringCommand

from tasks.gpu.facts.gpus import BUS
from tasks.gpu.facts.kernels import Kernels, read_kernels
from tasks.reach import Fact, detached, probe_script, text
from tasks.systemd import AT_WORK, read_lines

BLACKLIST = "/etc/modprobe.d/openpai-nouveau.conf"
STATE = "/var/lib/openpai-deploy"
# Written before a driver is installed and removed after: present means that an installation broke off.
UNDER_WAY = f"{STATE}/nvidia-driver.under-way"
# The version that this deploy installed last: a loaded driver that differs from it waits for a reboot of ours.
RECORD = f"{STATE}/nvidia-driver.installed"
# Asks the installed module about itself.
MODULE = "gpu/module.sh"
# The transient unit an installation runs in, so that it outlives the SSH session.
INSTALL = "nvidia-driver"

# Source packages, of Debian, Ubuntu and NVIDIA, that are the driver and nothing else. What else bears NVIDIA's name is
# built from others: the container toolkit, CUDA, MIG manager, GPUDirect Storage, repository keys, the fabric manager.
_DRIVER_SOURCE = re.compile(
    r"nvidia-graphics-drivers(-.+)?|nvidia-open-gpu-kernel-modules|nvidia-(modprobe|persistenced|support|xconfig)|"
    r"nvidia-settings(-.+)?|linux-restricted-(modules|signatures)(-.+)?|cuda-drivers(-.+)?"
)
# nvidia-fabricmanager-dev is something else.
_FABRIC_PACKAGE = re.compile(r"^installed (nvidia-fabricmanager(?:-\d+)?)$", re.MULTILINE)
_VERSION = re.compile(r"\b\d{3}\.\d+(?:\.\d+)?\b")


@dataclass(frozen=True)
class Package:
    """An installed, or half-installed, Debian package."""

    name: str
    version: str
    complete: bool


@dataclass(frozen=True)
class DriverState:
    """What is known about a host's NVIDIA driver. Versions are NVIDIA's, as 535.183.01.

    `next_module` is the driver's version in the kernel of the next boot (`kernels.next`), which may be the running one;
    `at_work` what in_words() reads. `switches` are the PCI addresses of NVSwitches, which need a fabric manager:
    `fabric` is its version on the disk, `fabric_unit` has `active` and `enabled` where its service is.
    """

    kernel: str = ""
    compiler: str = ""
    os: str = ""
    bus: tuple[str, ...] = ()
    nouveau: bool = False
    loaded: str | None = None
    installed: str | None = None
    signed: bool = False
    recorded: str | None = None
    packages: tuple[Package, ...] = ()
    held: frozenset[str] = frozenset()
    from_runfile: bool = False
    broken_off: bool = False
    installing: bool = False
    headers: str = "present"
    secure_boot: bool = False
    at_work: tuple[str, ...] = ()
    initramfs_tool: str = ""
    stale_initramfs: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    fabric: str | None = None
    fabric_unit: frozenset[str] = frozenset()
    fabric_packages: frozenset[str] = frozenset()
    kernels: Kernels = field(default_factory=Kernels)
    next_module: str | None = None

    @property
    def version(self) -> str | None:
        """The version that is loaded, or would be after the next boot."""
        return self.installed or self.loaded

    @property
    def mismatch(self) -> bool:
        """True when the loaded driver is not the one on the disk: only a reboot makes them one."""
        return bool(self.loaded and self.installed and self.loaded != self.installed)

    @property
    def unowned(self) -> bool:
        """True when a driver is loaded of which nothing is installed: an image's own, or a driver container's."""
        known = self.installed or self.packages or self.from_runfile or self.recorded or self.broken_off
        return bool(self.loaded) and not known

    @property
    def awaits_reboot(self) -> bool:
        """True when the mismatch is this deploy's own doing, whichever run of it."""
        return self.mismatch and self.installed == self.recorded


def version_in(text: str) -> str | None:
    """The first driver version named in `text`: /proc/driver/nvidia/version, a runfile's name, nvidia-smi's words."""
    found = _VERSION.search(text)
    return found.group() if found else None


class NvidiaDriver(Fact[DriverState]):
    """Read everything about a host's NVIDIA driver in one command; cheap, and never touches a GPU."""

    default = DriverState

    def command(self) -> StringCommand:
        unit = f"{detached.PREFIX}{INSTALL}.service"
        return probe_script("gpu/driver.sh", BLACKLIST, UNDER_WAY, RECORD, unit, text(BUS), AT_WORK, text(MODULE))

    def read(self, found: dict[str, str]) -> DriverState:
        return DriverState(
            kernel=found["kernel"],
            compiler=found["compiler"],
            os=found["os"],
            bus=tuple(found["bus"].split()),
            nouveau=bool(found["nouveau"]),
            loaded=version_in(found["loaded"]),
            installed=version_in(found["installed"]),
            signed=bool(found["signer"]),
            recorded=version_in(found["record"]),
            packages=_packages(found["packages"]),
            held=frozenset(found["held"].split()),
            from_runfile=bool(found["runfile"]),
            broken_off=bool(found["under_way"]),
            installing=found["unit"] in ("active", "activating", "deactivating"),
            headers=found["headers"],
            secure_boot=found["secure_boot"].strip() in ("1", "SecureBoot enabled"),
            at_work=read_lines(found["at_work"]),
            initramfs_tool=found["initramfs_tool"].rpartition("/")[2],
            stale_initramfs=tuple(found["stale"].split()),
            switches=tuple(found["switches"].split()),
            fabric=version_in(found["fabric"]),
            fabric_unit=frozenset(found["fabric_unit"].split()),
            fabric_packages=frozenset(_FABRIC_PACKAGE.findall(found["fabric_packages"])),
            kernels=read_kernels(found),
            next_module=version_in(found["next_module"]),
        )


def _packages(text: str) -> tuple[Package, ...]:
    """The driver's packages that are on the host in any state but `not installed` or `configuration left`."""
    packages = []
    for line in text.splitlines():
        status, name, version, source = line.split("|")
        if version and status[1] not in "nc" and _DRIVER_SOURCE.fullmatch(source):
            packages.append(Package(name, version, status[1:].strip() == "i"))
    return tuple(packages)
