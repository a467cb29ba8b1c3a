"""What the GPU stand-ins build, kept by the hash of what it is built from."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import state as states
from lab.settings import CACHE


def key(*sources: Path) -> str:
    """A hash of the files below `sources`, of this package's modules, and of the running kernel's release."""
    digest = hashlib.sha256(platform.release().encode())
    for source in (*sources, *sorted(Path(__file__).parent.glob("*.py"))):
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                digest.update(f"{path.name}\0{path.stat().st_mode}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def entry(name: str, *sources: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the cache's folder for `name` and whether it is new; a new one is kept only when the block succeeds."""
    folder = CACHE / "gpu" / key(*sources) / name
    with states.lock(f"gpu-{name}"):
        if folder.is_dir():
            yield folder, False
            return
        # Built under its final name, since callers keep that; the mark of being unfinished is beside it.
        unfinished = folder.with_name(f".{name}.unfinished")
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        folder.mkdir()
        yield folder, True
        unfinished.unlink()
