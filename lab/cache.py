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
            _drop_others(name, target)
        os.utime(target)
    return target


def offer(source: Path, target: Path) -> None:
    """Put a tree of the cache somewhere else, as links to its files: they outlive the tree when the cache drops it."""
    draft, old = (target.with_name(f".{target.name}.{state}") for state in ("new", "old"))
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft, copy_function=_link)
    if target.exists():
        target.rename(old)
    draft.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _drop_others(name: str, current: Path) -> None:
    in_use = {host.base for lab in states.every() for host in lab.hosts}
    for old in CACHE.glob(f"{name}-{'?' * 12}"):
        recent = time.time() - old.stat().st_mtime < KEEP_SECONDS
        if old != current and str(old) not in in_use and not recent:
            shutil.rmtree(old)
