"""The commands that an operator gives, as text: what comes next is said in words that can be pasted."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def inventory(folder: Path) -> str:
    """The pyinfra inventory file of a cluster folder, as seen from here."""
    return _shown(folder.with_name(f"{folder.name}.py"))


def _shown(path: Path) -> str:
    """Short where it is below the present folder."""
    relative = os.path.relpath(path)
    return shlex.quote(str(path.absolute()) if relative.startswith("..") else relative)


def check(folder: Path) -> str:
    """Is the folder good?"""
    return f"python -m cluster check {_shown(folder)}"


def preflight(folder: Path) -> str:
    """Are the hosts?"""
    return f"pyinfra {inventory(folder)} tasks.preflight.check"


def plan(folder: Path) -> str:
    """What would change?"""
    return f"pyinfra {inventory(folder)} deploy.py --dry --diff"


def verify(folder: Path) -> str:
    """Look at the finished hosts."""
    return f"pytest tests/hosts --inventory {inventory(folder)}"


def first_job(folder: Path) -> str:
    """Does a job run?"""
    return f"pyinfra {inventory(folder)} tasks.openpai.first_job"
