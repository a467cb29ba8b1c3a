"""The log of a run: everything that pyinfra and the tasks say, in reports/NAME/run.log, without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

NAME = "run.log"
KEPT = 5
"""How many logs of earlier runs stay."""
HIDDEN = "***"
# Passwords shorter than this would hide every other word.
_SHORTEST = 4
_URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")


class Mask:
    """Takes secrets out of text."""

    def __init__(self, secrets: Sequence[str]):
        self._secrets = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without the secrets, and without passwords inside of URLs."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return _URL_PASSWORD.sub(rf"\1{HIDDEN}", text) if "://" in text else text


class RunLog:
    """run.log of a folder: begun anew, the earlier ones renamed to run.log.1 to run.log.5, the oldest dropped."""

    def __init__(self, path: Path):
        self.path = path / NAME
        self.lines = 0
        for number in range(KEPT, 0, -1):
            earlier = self.path if number == 1 else path / f"{NAME}.{number - 1}"
            if earlier.exists():
                os.replace(earlier, path / f"{NAME}.{number}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._file: IO[str] = open(os.open(self.path, flags, 0o600), "w", encoding="utf-8", errors="replace")  # noqa: SIM115

    def write(self, text: str) -> None:
        """Add `text`, each of its lines with the time."""
        time = datetime.now().strftime("%H:%M:%S")
        for line in text.splitlines() or [""]:
            self._file.write(f"{time} {line}\n")
            self.lines += 1
        self._file.flush()
