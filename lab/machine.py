"""Whether this machine can carry a lab: every reason why not, at once, before anything is made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab.settings import CACHE, STATE
from lab.shell import LabError, run

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "tinyproxy": "tinyproxy",
    "dnsmasq": "dnsmasq-base",
    "chronyd": "chrony",
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "apt-ftparchive": "apt-utils",
    "gpg": "gpg",
    "ssh": "openssh-client",
    "openssl": "openssl",
}
"""The programs the lab runs, and the Debian package of each."""

CAPABILITIES = {12: "CAP_NET_ADMIN", 18: "CAP_SYS_CHROOT", 21: "CAP_SYS_ADMIN", 27: "CAP_MKNOD"}
"""What even root of some containers lacks, by bit number, and no host could do without."""

HOST_ROOM_MB = 1000
"""Disk space for one host after a whole deploy; a worker with Docker and the GPU stand-ins was seen to take 700."""
CACHE_ROOM_MB = 1500
"""Disk space for one suite's base and packages while they are built; 1200 were seen."""


def check(hosts: int, new_suites: int) -> None:
    """LabError with every reason why this machine cannot carry so many more hosts and build so many suites' bases."""
    reasons = []
    if os.geteuid() != 0:
        reasons.append("the lab makes bridges, mounts and containers: run it as root")
    else:
        reasons += _lacking_capabilities()
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        reasons.append(f"programs are missing: apt-get install {' '.join(missing)}")
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        reasons.append("the kernel has no overlay file system: modprobe overlay")
    elif _kind(STATE) == "overlayfs":
        reasons.append(f"{STATE} is on an overlay file system, which cannot carry another: mount a disk there")
    reasons += _lacking_room({STATE: hosts * HOST_ROOM_MB, CACHE: new_suites * CACHE_ROOM_MB})
    if reasons:
        raise LabError("this machine cannot carry the lab: " + "; ".join(reasons))


def _lacking_capabilities() -> list[str]:
    status = Path("/proc/self/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    lacking = [name for bit, name in CAPABILITIES.items() if not effective >> bit & 1]
    return [f"root lacks {', '.join(lacking)} here: use a machine of your own or a privileged container"] * bool(
        lacking
    )


def _lacking_room(needs: dict[Path, int]) -> list[str]:
    reasons = []
    for path, megabytes in needs.items():
        free = shutil.disk_usage(_existing(path)).free // 1_000_000
        if free < megabytes:
            reasons.append(f"{path} needs {megabytes} MB and has {free} MB free: make room, or ask for fewer --workers")
    return reasons


def _kind(path: Path) -> str:
    return run("stat", "--file-system", "--format=%T", _existing(path)).stdout.strip()


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
