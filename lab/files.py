"""Writing the files of hosts' disks, packages, images and web roots."""

from __future__ import annotations

import shutil
from pathlib import Path


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file, with the folders that are missing on the way to it."""
    _parents(path)
    path.write_bytes(content)
    path.chmod(mode)


def copy(source: Path, target: Path) -> None:
    """Copy a file, executable as the source is, and readable to all whatever the source's checkout made of that."""
    put(target, source.read_bytes(), 0o755 if source.stat().st_mode & 0o100 else 0o644)


def link(path: Path, target: str) -> None:
    """Make `path` a symbolic link to `target`, whatever was there."""
    _parents(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def share(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` where they share a file system, else a copy; replaces what is there."""
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # another file system
        shutil.copy2(source, target)


def share_tree(source: Path, target: Path) -> None:
    """Offer a tree somewhere else by shared files: they outlive the tree. What was there is replaced when all is ready.

    Nothing that is served from `target` may be written to: it is `source`'s as well.
    """
    draft, old = (target.with_name(f".{target.name}.{state}") for state in ("new", "old"))
    for left in (draft, old):
        shutil.rmtree(left, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, draft, copy_function=lambda file, copied: share(Path(file), Path(copied)))
    if target.exists():
        target.rename(old)
    draft.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _parents(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
