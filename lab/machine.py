"""Whether this machine can carry a lab: every reason why not, at once, before anything is made."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from lab.settings import CACHE, STATE
from lab.shell import LabError

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "tinyproxy": "tinyproxy",
    "chronyd": "chrony",
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "apt-ftparchive": "apt-utils",
    "gpg": "gpg",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
}
"""The programs the lab runs, and the Debian package of each."""

HOST_ROOM_MB = 1000
"""Disk space for one host after a whole deploy (a bookworm worker with Docker and GPU tools takes about 700)."""
CACHE_ROOM_MB = 1500
"""Disk space for one suite's base and packages while they are built."""


def check(hosts: int, suites: int) -> None:
    """LabError with every reason why this machine cannot carry so many more hosts of so many suites."""
    if platform.system() != "Linux":
        raise LabError(f"the lab's hosts are Linux containers; this is {platform.system()}: run it on Debian or Ubuntu")
    reasons = []
    if os.geteuid() != 0:
        reasons.append("the lab makes bridges, mounts and containers; run it as root")
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        reasons.append(f"programs are missing; install them with: apt-get install {' '.join(missing)}")
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        reasons.append("the kernel has no overlay file system; load it with: modprobe overlay")
    reasons += _room({STATE: hosts * HOST_ROOM_MB, CACHE: suites * CACHE_ROOM_MB})
    if reasons:
        raise LabError("this machine cannot carry the lab: " + "; ".join(reasons))


def _room(needs: dict[Path, int]) -> list[str]:
    reasons = []
    for path, megabytes in needs.items():
        there = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(there).free // 1_000_000
        if free < megabytes:
            reasons.append(f"{path} needs {megabytes} MB, and {free} MB are free: make room or lower --workers")
    return reasons
