"""An earlier state of the code, to measure against: in a folder of its own, with this environment's packages."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.commands import SETTINGS
from lab.settings import PROJECT

BEFORE = "ad3ab06091"
"""The last commit whose runs asked a host one command after another and whose planning read every frame's source."""


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """The repository as of `commit`, as a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="openpai-bench-") as parent:
        folder = Path(parent) / "checkout"
        git = ["git", "-C", str(PROJECT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", folder, commit], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


def settings(folder: Path) -> Mapping[str, str]:
    """The environment in which Python finds the modules of the checkout `folder` before the installed ones."""
    return {**SETTINGS, "PYTHONPATH": str(folder)}


def readable(inventory: Path) -> None:
    """Leave nothing in a lab's `inventory` file that an earlier state's groups() does not take."""
    text = inventory.read_text()
    inventory.write_text(re.sub(r"groups\(__file__, .*\)", "groups(__file__)", text))
