"""A cgroup for each host in every hierarchy: hosts that shared one would clean away each other's containers."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lab import state as states
from lab.wait import wait_until

ROOT = "openpai-lab"
PATIENCE = 20
"""Seconds until the kernel has taken the last ended process out of a cgroup; a few hundredths are usual."""

WEIGHTS = {"cpu.shares": (1024, 262_144), "cpu.weight": (100, 10_000)}
"""What one process weighs, and the most that a group may, by the file of either version that says it."""


def _mounts() -> list[tuple[Path, bool]]:
    """Where the cgroup hierarchies of this machine are mounted, and which is version 2."""
    fields = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [(Path(path), kind == "cgroup2") for _, path, kind, *_ in fields if kind in ("cgroup", "cgroup2")]


def renew(lab: str, host: str) -> list[Path]:
    """Make the cgroups of a host, without what an earlier boot left in them; one for each hierarchy."""
    with states.lock("cgroups"):
        mounts = _mounts()
        for mount, _ in mounts:
            _remove_all(mount / ROOT / lab / host)
        groups = [_make(mount, unified, (ROOT, lab, host)) for mount, unified in mounts]
        for mount, _ in mounts:
            _weigh(mount)
        return groups


def enter(groups: list[Path]) -> None:
    """Put this process, and so the host it becomes, into these cgroups."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def remove(lab: str, host: str = "") -> None:
    """Remove the cgroups of a whole lab or of one host, once their last process has ended; the root with the last lab.

    LabError when processes do not end.
    """
    with states.lock("cgroups"):  # hosts and labs that start now make theirs below the same root
        for mount, _ in _mounts():
            _remove_all(mount / ROOT / lab / host)
            root = mount / ROOT
            if root.is_dir() and not any(path.is_dir() for path in root.iterdir()):
                _remove(root)
            _weigh(mount)


def _make(group: Path, unified: bool, parts: tuple[str, ...]) -> Path:
    for part in parts:
        if unified:
            _offer_controllers(group)
        group = group / part
        group.mkdir(exist_ok=True)
        _inherit_cpuset(group)
    return group


def _weigh(mount: Path) -> None:
    """Let each host weigh as much as a process of the machine when processors are short.

    A group weighs as one, however many are below it: all hosts of all labs would share what one process gets.
    """
    root = mount / ROOT
    hosts = {group: len(list(group.glob("*/"))) for group in root.glob("*/")}
    for group, count in {root: sum(hosts.values()), **hosts}.items():
        for name, (weight, most) in WEIGHTS.items():
            if count and (group / name).exists():
                (group / name).write_text(str(min(weight * count, most)))


def _remove_all(top: Path) -> None:
    for left, _, _ in os.walk(top, topdown=False):
        _remove(Path(left))


def _remove(group: Path) -> None:
    wait_until(lambda: _removed(group), PATIENCE, f"the kernel does not let go of cgroup {group}")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def _offer_controllers(group: Path) -> None:
    for controller in (group / "cgroup.controllers").read_text().split():
        (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(group: Path) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):
        path = group / name
        if (group / "tasks").exists() and path.exists() and not path.read_text().strip():
            path.write_text((group.parent / name).read_text())
