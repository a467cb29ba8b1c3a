"""Kernel limits that many systemd hosts on one machine exceed: raised with the first lab, put back after the last."""

from __future__ import annotations

import json
from pathlib import Path

from lab import state as states
from lab.settings import STATE

# A host's systemd, logind, dbus and dockerd take about ten inotify instances; Debian allows root 128 in all. Ten
# thousand are what forty hosts with Kubernetes need at most.
NEEDED = {"fs/inotify/max_user_instances": 10_000, "fs/inotify/max_user_watches": 1_000_000}
BEFORE = STATE / "limits-before.json"


def ensure() -> None:
    """Raise each limit that is lower than what labs need, remembering what it was."""
    with states.lock("limits"):
        lower = {name: value for name in NEEDED if (value := _read(name)) < NEEDED[name]}
        if lower and not BEFORE.is_file():
            BEFORE.write_text(json.dumps(lower))
        for name in lower:
            _path(name).write_text(str(NEEDED[name]))


def restore() -> None:
    """Put back what `ensure` raised, once no lab is left."""
    with states.lock("limits"):
        if BEFORE.is_file() and not states.every():
            for name, value in json.loads(BEFORE.read_text()).items():
                _path(name).write_text(str(value))
            BEFORE.unlink()


def _path(name: str) -> Path:
    return Path("/proc/sys", name)


def _read(name: str) -> int:
    return int(_path(name).read_text())
