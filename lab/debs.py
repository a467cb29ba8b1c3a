"""Debian packages that hosts have fetched, kept on this machine: the hosts of later labs find them where apt looks.

apt takes a file that is there already where its sum is the index's, and fetches it otherwise.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from lab.settings import CACHE
from lab.state import LabHost, LabState

ARCHIVES = "var/cache/apt/archives"
KEEP_SECONDS = 30 * 86_400
"""What no host has fetched or found for a month is a version that is gone."""


def give(lab: LabState, host: LabHost) -> None:
    """Put what is kept for the host's suite on its disk, which is new and not mounted yet."""
    archives = lab.host_directory(host.name) / "upper" / ARCHIVES
    for folder in (archives.parents[2], archives.parents[1], archives.parents[0], archives):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    for package in _kept(host).glob("*.deb"):
        shutil.copy(package, archives)


def keep(lab: LabState) -> None:
    """Keep what the hosts have fetched."""
    for host in lab.hosts:
        kept = _kept(host)
        kept.mkdir(parents=True, exist_ok=True)
        for package in (lab.host_directory(host.name) / "upper" / ARCHIVES).glob("*.deb"):
            if (kept / package.name).exists() and (kept / package.name).stat().st_size == package.stat().st_size:
                os.utime(kept / package.name)
                continue
            # Beside its place first: another lab may copy at this moment, or this one be killed.
            draft = kept / f".{lab.name}-{host.name}"
            shutil.copyfile(package, draft)
            draft.replace(kept / package.name)
        for package in kept.glob("*.deb"):
            if time.time() - package.stat().st_mtime > KEEP_SECONDS:
                package.unlink()


def _kept(host: LabHost) -> Path:
    return CACHE / f"debs-{host.suite}"
