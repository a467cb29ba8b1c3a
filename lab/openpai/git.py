"""What takes the place of OpenPAI's git repository: the folder pai/ at two versions, on a branch of upstream's name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import cache
from lab.settings import CACHE
from lab.shell import run

TAGS = ("v1.8.0", "v1.8.1")
"""Versions of the source and of the images; the last one is the branch's."""
BRANCH = "pai-1.8.y"
PAI = Path(__file__).parent / "pai"
# Nobody's name and no day of today: the same files are the same commit everywhere.
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "lab"), ("EMAIL", "lab@localhost"), ("DATE", "2022-01-01T00:00:00Z"))
}


def ensure() -> Path:
    """The bare repository, ready to be served by a web server that knows nothing of git."""
    return cache.ensure("openpai-git", (content(PAI), Path(__file__).read_bytes()), _build)


def commit(tag: str) -> str:
    """The commit of a version."""
    return run("git", "--git-dir", ensure(), "rev-parse", f"{tag}^{{commit}}").stdout.strip()


def content(folder: Path) -> list[tuple[str, int, bytes]]:
    """Every file of a folder with its mode, for what is made from it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return [(str(path.relative_to(folder)), path.stat().st_mode & 0o100, path.read_bytes()) for path in files]


def _build(bare: Path) -> None:
    run("git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", bare)
    with TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch, "tree")
        shutil.copytree(PAI, tree, ignore=shutil.ignore_patterns("__pycache__"))

        def git(*words: str) -> None:
            run("git", "--git-dir", bare, "--work-tree", tree, *words, env={**os.environ, **AUTHOR})

        for tag in TAGS:
            (tree / "version/PAI.VERSION").write_text(f"{tag}\n")
            git("add", "--all", "--force", ".")
            git("commit", "--quiet", "--message", f"OpenPAI {tag}, the lab's stand-in")
            git("tag", tag)
        git("repack", "--quiet", "-a", "-d")
        git("update-server-info")
