"""Running programs of the machine, with a failure that reads as one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path


class LabError(Exception):
    """The lab cannot do what was asked; the message says why and what to do."""


def run(
    *argv: str | Path,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program, captured; raise LabError with the end of its stderr when it fails and `check` is set."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(command, input=stdin, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed on this machine") from error
    if check and done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise LabError(f"`{' '.join(command[:6])}` failed ({done.returncode}): " + " / ".join(told))
    return done
