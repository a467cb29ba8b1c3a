"""The NVIDIA driver of a host: loaded against installed, where it came from, and what an installation would need.

One fact for all of it; pyinfra has facts for single modules and packages only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.facts.gpu import BUS_SCRIPT
from tasks.facts.sections import SECTION, parse_sections

BLACKLIST = "/etc/modprobe.d/openpai-nouveau.conf"
STATE = "/var/lib/openpai-deploy"
# Written before a driver is installed from a runfile and removed after: present means that an installation broke off.
UNDER_WAY = f"{STATE}/nvidia-runfile.under-way"
# The transient unit an installation runs in, so that it outlives the SSH session.
UNIT = "openpai-nvidia-install.service"

# Packages of the driver proper. The container toolkit, CUDA and the fabric manager share the prefix only.
_DRIVER_PACKAGE = re.compile(
    r"(nvidia-(?!container|docker|cuda|fabricmanager|ml-dev)|libnvidia-(?!container|ml-dev)|libcuda1\b|"
    r"xserver-xorg-video-nvidia|linux-(modules|objects|signatures)-nvidia-|firmware-nvidia-gsp)"
)
_VERSION = re.compile(r"\b\d{3}\.\d+(?:\.\d+)?\b")

# A kernel image is stale when it is older than the blacklist, which it must contain. Only kernels that are installed
# count: update-initramfs leaves backups and leftovers alone.
_SCRIPT = f"""
{SECTION}
kernel=$(uname -r)
bus() {{ {BUS_SCRIPT}
}}
stale() {{
  for i in /boot/initrd.img-*; do
    if [ -d "/lib/modules/${{i#/boot/initrd.img-}}" ] && [ ! "$i" -nt {BLACKLIST} ]; then echo "${{i#/boot/initrd.img-}}"; fi
  done
}}
headers() {{
  if [ -e "/lib/modules/$kernel/build" ]; then echo present
  elif [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ]; then echo unknown
  elif apt-cache show "linux-headers-$kernel" >/dev/null; then echo offered
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
section modules cut -d' ' -f1 /proc/modules
section loaded sh -c 'cat /sys/module/nvidia/version || grep NVRM /proc/driver/nvidia/version'
section installed modinfo -F version nvidia
section packages dpkg-query -W -f '${{db:Status-Abbrev}}|${{Package}}|${{Version}}\\n' '*nvidia*' 'libcuda1*'
section runfile ls /usr/bin/nvidia-uninstall
section under_way ls {UNDER_WAY}
section unit systemctl is-active {UNIT}
section headers headers
section secure_boot secure_boot
section containers sh -c 'cat /proc/[0-9]*/comm | grep -c "^containerd-shim"'
section initramfs_tool sh -c 'command -v update-initramfs || command -v dracut'
section stale stale
"""


@dataclass(frozen=True)
class Package:
    """An installed, or half-installed, Debian package."""

    name: str
    version: str
    complete: bool

    @property
    def upstream(self) -> str:
        """The version of what is packaged, without Debian's epoch and revision."""
        return upstream_version(self.version)


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
    packages: tuple[Package, ...] = ()
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


def upstream_version(version: str) -> str:
    """`535.183.01` of Debian's `535.183.01-1~deb12u1`, or of Ubuntu's `1:535.183.01-0ubuntu0.22.04.1`."""
    return version.partition(":")[2].partition("-")[0] if ":" in version else version.partition("-")[0]


def version_in(text: str) -> str | None:
    """The first driver version named in `text`: /proc/driver/nvidia/version, a runfile's name, nvidia-smi's words."""
    found = _VERSION.search(text)
    return found.group() if found else None


def parse_driver_state(output: Sequence[str]) -> DriverState:
    """Make a DriverState of the fact's output."""
    found = parse_sections(list(output))
    modules = found["modules"].split()
    return DriverState(
        kernel=found["kernel"],
        compiler=found["compiler"],
        os=found["os"],
        bus=tuple(found["bus"].split()),
        nouveau="nouveau" in modules,
        loaded=version_in(found["loaded"]),
        installed=version_in(found["installed"]),
        packages=_packages(found["packages"]),
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


class AptVersions(FactBase[tuple[str, ...]]):
    """The versions of a package that the host's apt sources offer, best first."""

    default = tuple

    def command(self, package: str) -> str:
        return f"apt-cache madison {package} | awk '{{ print $3 }}'"

    def process(self, output: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(output))


class AptHolds(FactBase[frozenset[str]]):
    """The packages that apt-mark holds at their version."""

    default = frozenset

    def command(self) -> str:
        return "apt-mark showhold"

    def process(self, output: list[str]) -> frozenset[str]:
        return frozenset(output)
