"""Programs that stand in for a host's: a shell script of files/ runs with these and no others, and touches nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pyinfra.api import StringCommand

# What scripts may use as it is: programs that change no more than the paths they are given.
HARMLESS = (
    "awk", "cat", "chmod", "cp", "cut", "date", "dirname", "grep", "head", "mkdir", "mktemp", "mv", "rm", "sed",
    "sh", "sha256sum", "sleep", "stat", "tail", "touch", "tr",
)  # fmt: skip


class StandIns:
    """A folder of programs; each notes how it is called, then does what its text says."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._calls = folder / "calls"
        self._calls.touch()
        self.real(*HARMLESS)

    def real(self, *names: str) -> None:
        """Let scripts have these of this machine's programs."""
        for name in names:
            (self.folder / name).symlink_to(shutil.which(name) or f"/no/{name}")

    def add(self, *names: str, does: str = ":") -> None:
        """Programs `names` that note their call and go on with the shell text `does`."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / name).write_text(
                f'#!/bin/sh\n{{ printf %s {name}; printf "\\037%s" "$@"; printf "\\036"; }} >>{self._calls}\n{does}\n'
            )
            (self.folder / name).chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        """Every call so far: the program's name and its arguments."""
        return [call.split("\037") for call in self._calls.read_text().split("\036")[:-1]]

    def run(self, command: StringCommand, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `command` by /bin/sh with these programs alone."""
        return subprocess.run(
            ["/bin/sh", "-c", command.get_raw_value()], capture_output=True, text=True, check=False, timeout=60,
            stdin=subprocess.DEVNULL, cwd=cwd or self.folder, env={"PATH": str(self.folder), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
