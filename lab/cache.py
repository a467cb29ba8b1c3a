"""Things built once for every lab: a directory each, named by what it was built from, never half-built."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from lab import state as states
from lab.settings import CACHE


def ensure(name: str, made_from: object, build: Callable[[Path], None]) -> Path:
    """The directory `name`-HASH of the cache; `build` fills it beside its place when it is not there yet.

    `made_from` is everything the content depends on; another value is another directory, and directories of the
    same name that no lab's disk stands on are removed then.
    """
    digest = hashlib.sha256(repr(made_from).encode()).hexdigest()[:12]
    target = CACHE / f"{name}-{digest}"
    with states.lock(name):
        if not target.is_dir():
            draft = CACHE / f".{name}.new"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            draft.chmod(0o755)
            build(draft)
            draft.rename(target)
            used = {host.base for lab in states.every() for host in lab.hosts}
            for old in CACHE.glob(f"{name}-{'?' * 12}"):
                if old != target and str(old) not in used:
                    shutil.rmtree(old)
    return target
