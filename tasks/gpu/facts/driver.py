"""The NVIDIA driver of a host: loaded against installed, where it came from, and what an installation would need.

One fact for all of it; pyinfra has facts for single modules and packages only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.gpu.facts.gpus import BUS_SCRIPT
from tasks.reach import SECTION, detached, parse_sections
from tasks.systemd import CONTAINERS

BLACKLIST = "/etc/modprobe.d/openpai-nouveau.conf"
STATE = "/var/lib/openpai-deploy"
# Written before a driver is installed and removed after: present means that an installation broke off.
UNDER_WAY = f"{STATE}/nvidia-driver.under-way"
# The version that this deploy installed last: a loaded driver that differs from it waits for a reboot of ours.
RECORD = f"{STATE}/nvidia-driver.installed"
# What names the loaded driver's version, for version_in(). A container may show /proc/driver without /sys/module.
LOADED = "cat /sys/module/nvidia/version || grep NVRM /proc/driver/nvidia/version"
# The transient unit an installation runs in, so that it outlives the SSH session.
INSTALL = "nvidia-driver"

# Packages of the driver proper. The container toolkit, CUDA and the fabric manager share the prefix only.
_DRIVER_PACKAGE = re.compile(
    r"(nvidia-(?!container|docker|cuda|fabricmanager|ml-dev)|libnvidia-(?!container|ml-dev)|libcuda1\b|"
    r"xserver-xorg-video-nvidia|linux-(modules|objects|signatures)-nvidia-|firmware-nvidia-gsp)"
)
_VERSION = re.compile(r"\b\d{3}\.\d+(?:\.\d+)?\b")

# A kernel image is stale when it is older than the blacklist, which it must contain. Only kernels that are installed
# count: update-initramfs leaves backups and leftovers alone.
# apt's own tools parse every package list anew where they may keep no cache: a second of processor time for each call.
_SCRIPT = f"""
{SECTION}
kernel=$(uname -r)
bus() {{ {BUS_SCRIPT}
}}
stale() {{
  for i in /boot/initrd.img-*; do
    v=${{i#/boot/initrd.img-}}
    if [ -d "/lib/modules/$v" ] && [ ! "$i" -nt {BLACKLIST} ]; then echo "$v"; fi
  done
}}
headers() {{
  if [ -e "/lib/modules/$kernel/build" ]; then echo present
  elif [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ]; then echo unknown
  elif /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages* | grep -qx "Package: linux-headers-$kernel"
  then echo offered
  else echo missing; fi
}}
secure_boot() {{
  for f in /sys/firmware/efi/efivars/SecureBoot-*; do od -An -t u1 -j4 -N1 "$f" && return; done
  mokutil --sb-state
}}
section kernel echo "$kernel"
section compiler sed -n 's/.*[( -]gcc-\\([0-9]*\\) .*/\\1/p' /proc/version
section os sh -c '. /etc/os-release; echo "$ID"'
section bus bus
section nouveau ls -d /sys/module/nouveau
section loaded sh -c '{LOADED}'
section installed modinfo -F version nvidia
section signer modinfo -F signer nvidia
section record cat {RECORD}
section packages dpkg-query -W -f '${{db:Status-Abbrev}}|${{Package}}|${{Version}}\\n' '*nvidia*' 'libcuda1*'
section runfile ls /usr/bin/nvidia-uninstall
section under_way ls {UNDER_WAY}
section held sh -c "dpkg-query -W -f '\\${{db:Status-Want}} \\${{Package}}\\n' | sed -n 's/^hold //p'"
section unit systemctl is-active {detached.PREFIX}{INSTALL}.service
section headers headers
section secure_boot secure_boot
section containers sh -c '{CONTAINERS}'
section initramfs_tool sh -c 'command -v update-initramfs || command -v dracut'
section stale stale
"""


@dataclass(frozen=True)
class Package:
    """An installed, or half-installed, Debian package."""

    name: str
    version: str
    complete: bool


@dataclass(frozen=True)
class DriverState:
    """What is known about a host's NVIDIA driver. Versions are NVIDIA's, as 535.183.01."""

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
    containers: int = 0
    initramfs_tool: str = ""
    stale_initramfs: tuple[str, ...] = ()

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


def parse_driver_state(output: Sequence[str]) -> DriverState:
    """Make a DriverState of the fact's output."""
    found = parse_sections(list(output))
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
        containers=int(found["containers"] or 0),
        initramfs_tool=found["initramfs_tool"].rpartition("/")[2],
        stale_initramfs=tuple(found["stale"].split()),
    )


def _packages(text: str) -> tuple[Package, ...]:
    """The driver's packages that are on the host in any state but `not installed` or `configuration left`."""
    packages = []
    for line in text.splitlines():
        status, name, version = line.split("|")
        if version and status[1] not in "nc" and _DRIVER_PACKAGE.match(name):
            packages.append(Package(name, version, status[1:].strip() == "i"))
    return tuple(packages)


class NvidiaDriver(FactBase[DriverState]):
    """Read everything about a host's NVIDIA driver in one command; cheap, and never touches a GPU."""

    default = DriverState

    def command(self) -> str:
        return _SCRIPT

    def process(self, output: list[str]) -> DriverState:
        return parse_driver_state(output)
