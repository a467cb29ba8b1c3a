"""Cluster folders for the tests of cluster/: a good one to begin with, and its parts to spoil."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.loader import inspect

GOLDEN = Path(__file__).parent.parent / "data" / "golden"
M, W, C, L = "master.csv", "worker.csv", "config.yaml", "layout.yaml"
MASTER = "openpai-master-01,10.1.0.1\n"
WORKER = "".join(f"openpai-00{number},10.0.0.{number}\n" for number in range(1, 5))
CONFIG = "user: paiadmin\nbranch_name: pai-1.0.y\ndocker_image_tag: v1.0.0\n"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A cluster folder with the good files, but for `files`."""
    folder.mkdir(exist_ok=True)
    good = {"master.csv": MASTER, "worker.csv": WORKER, "config.yaml": CONFIG}
    for name, content in {**good, **files}.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        (folder / name).chmod(0o600)
    return folder


def lines_of(folder: Path) -> list[str]:
    """What `check` prints of the folder."""
    return [str(problem) for problem in inspect(folder).problems]


def assert_lines(found: list[str], expected: list[str]) -> None:
    """As many lines as expected, each with its beginning."""
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning), found
