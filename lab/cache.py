"""Things built once for every lab: a directory each, named by what it was built from, never half-built."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab import state as states
from lab.settings import CACHE

KEEP_SECONDS = 86_400
"""What was asked for within a day may be another checkout's, or a lab's that is just being made."""


def ensure(name: str, made_from: object, build: Callable[[Path], None]) -> Path:
    """The directory `name`-HASH of the cache; `build` fills it beside its place when it is not there yet.

    `made_from` is everything the content depends on; another value is another directory, and older directories
    of the same name that no lab's disk stands on are removed then.
    """
    digest = hashlib.sha256(repr(made_from).encode()).hexdigest()[:12]
    target = CACHE / f"{name}-{digest}"
    with states.lock(name):
        if not target.is_dir():
            for killed in CACHE.glob(f".{name}.*"):
                shutil.rmtree(killed)
            # A name of its own: what a killed build has started may still write to the old one.
            draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=CACHE))
            draft.chmod(0o755)
            build(draft)
            draft.rename(target)
            drop_others(f"{name}-{'?' * 12}", target)
        os.utime(target)
    return target


def drop_others(pattern: str, current: Path) -> None:
    """Remove what is like `pattern` in the cache, but for `current`, what was asked for lately, and labs' disks."""
    in_use = {part for lab in states.every() for host in lab.hosts for part in (host.base, host.layer)}
    for old in CACHE.glob(pattern):
        recent = time.time() - old.stat().st_mtime < KEEP_SECONDS
        if old != current and str(old) not in in_use and not recent:
            shutil.rmtree(old)
