"""What can be wrong with a cluster folder, as data, so that all of it can be said at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ERROR, WARNING, NOTICE = "error", "warning", "notice"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong: where, what, and what to do about it. Line 0 means the file as a whole.

    An error keeps the folder from being used; a warning and a notice (what an edit means) do not.
    """

    file: str
    line: int
    message: str
    remedy: str
    severity: str = ERROR

    def __str__(self) -> str:
        label = "" if self.severity == ERROR else f"{self.severity}: "
        return f"{self.file}:{self.line}: {label}{self.message}; {self.remedy}"


class ClusterError(Exception):
    """The folder cannot be used; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those of `problems` that keep the folder from being used."""
    return [problem for problem in problems if problem.severity == ERROR]


def shown(value: object) -> str:
    """`value` as a message may quote it: on one line, printable, and short."""
    text = ascii(value)
    return text if len(text) <= 70 else text[:66] + "..." + text[-1]
