"""What can be wrong with a cluster folder, as data, so that all of it can be said at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong: where, what, and what to do about it. Line 0 means the file as a whole."""

    file: str
    line: int
    message: str
    remedy: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}; {self.remedy}"


class ClusterError(Exception):
    """The folder cannot be used; carries every problem found."""

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
