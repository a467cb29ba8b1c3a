"""What apt on hosts has fetched of Debian's, kept on this machine: the hosts of later labs find it where apt looks.

apt takes a file that is there already where its sum is the one that is wanted, and fetches it otherwise.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import time
from pathlib import Path

from lab.files import share
from lab.settings import CACHE
from lab.state import LabHost, LabState

PLACES = {"var/cache/apt/archives": "*.deb", "var/lib/apt/lists": "*_dists_*"}
"""Packages, and the indexes of package sources."""
KEEP_SECONDS = 30 * 86_400
"""What no host has fetched or found for a month is a version that is gone."""


def give(lab: LabState, host: LabHost) -> None:
    """Put what is kept for the host's suite on its disk, which is new and not mounted yet."""
    upper = lab.host_directory(host.name) / "upper"
    for place in PLACES:
        for folder in reversed((upper / place, *(upper / place).parents)):
            if folder.is_relative_to(upper) and not folder.exists():
                folder.mkdir()
                folder.chmod(0o755)
        for file in _kept(host, place).glob("*"):
            share(file, upper / place / file.name)  # apt puts new files in the place of old ones


def keep(lab: LabState) -> None:
    """Keep what the hosts have fetched, but for the indexes of the lab's own sources."""
    for host in lab.hosts:
        for place, pattern in PLACES.items():
            kept = _kept(host, place)
            kept.mkdir(parents=True, exist_ok=True)
            for file in (lab.host_directory(host.name) / "upper" / place).glob(pattern):
                if not file.name.startswith(lab.gateway):
                    _keep(file, kept / file.name)
            for file in kept.iterdir():
                if time.time() - file.stat().st_mtime > KEEP_SECONDS:
                    file.unlink()


def _keep(file: Path, place: Path) -> None:
    if place.exists() and filecmp.cmp(file, place, shallow=False):
        os.utime(place)
        return
    # Beside its place first: another lab may take it at this moment, or this one be killed.
    draft = place.parent.parent / f".{os.getpid()}"
    shutil.copyfile(file, draft)
    draft.replace(place)


def _kept(host: LabHost, place: str) -> Path:
    return CACHE / f"fetched-{host.suite}" / Path(place).name
