"""The kernel that a host boots next, and by what its later kernels and their headers come."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DKMS = re.compile(r"^/var/lib/dkms/(nvidia[^/]*/\d{3}\.[\d.]+)/source$", re.MULTILINE)
# A metapackage depends on the image of one release, as linux-image-amd64 on linux-image-6.1.0-56-amd64.
_OF_RELEASE = re.compile(r"\blinux-image-(unsigned-)?\d")
_HEADERS = re.compile(r"^installed (linux-headers-\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Kernels:
    """The kernel of the next boot (`next`, a release; empty where /boot has none), and what brings later ones.

    `images` are metapackages of kernels by name, with their versions, `headers` the packages of headers that are
    installed, `dkms` the driver's sources that DKMS builds, as nvidia-current/535.261.03.
    """

    next: str = ""
    images: tuple[tuple[str, str], ...] = ()
    headers: frozenset[str] = frozenset()
    dkms: tuple[str, ...] = ()


def read_kernels(found: Mapping[str, str]) -> Kernels:
    """Read the sections of files/gpu/driver.sh that are about kernels."""
    rows = [line.split("|", 3) for line in found["images"].splitlines()]
    return Kernels(
        next=found["next"].strip(),
        images=tuple(
            (name, version)
            for status, name, version, depends in rows
            if status == "installed" and _OF_RELEASE.search(depends) and not name.endswith("-dbg")
        ),
        headers=frozenset(_HEADERS.findall(found["header_packages"])),
        dkms=tuple(_DKMS.findall(found["dkms"])),
    )
