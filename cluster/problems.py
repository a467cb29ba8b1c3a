"""What can be wrong, as data: all of it is said at once, and code decides by causes, never by sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

# An error keeps things from being used; a warning and a notice (what an edit means) do not.
Severity = Literal["error", "warning", "notice"]
ERROR: Severity = "error"
WARNING: Severity = "warning"
NOTICE: Severity = "notice"


@dataclass(frozen=True, order=True)
class Place:
    """Where a problem is: on a line of a file (0: the file as a whole), on a host, or, when empty, nowhere special."""

    file: str = ""
    line: int = 0
    host: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file or self.host


_ORDER = attrgetter("place", "found", "fix", "severity")


@dataclass(frozen=True)
class Problem:
    """One thing wrong: what was found, and what to do about it.

    `needed` is what should have been found, where that is not plain. `cause` is its identifier (`secure-boot`), which
    `python -m cluster explain` knows; empty where something else names the problem, as a requirement of preflight.
    """

    found: str
    fix: str
    place: Place = Place()
    severity: Severity = ERROR
    cause: str = ""
    needed: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place != Place() else ""
        label = f"{self.severity}: " if self.severity != ERROR else ""
        return identified(f"{where}{label}{self.found}; {self.fix}", cause=self.cause)

    def __lt__(self, other: Problem) -> bool:
        """The order that they are said in: by place, lines as numbers."""
        return _ORDER(self) < _ORDER(other)

    def at(self, place: Place) -> Problem:
        """The same problem, there."""
        return dataclasses.replace(self, place=place)

    def within(self, folder: str | Path) -> Problem:
        """The same problem, its file named as one of `folder`: what a terminal can open."""
        file = self.place.file
        if not file or file == str(folder):
            return self
        return self.at(dataclasses.replace(self.place, file=str(Path(folder) / file)))


class ClusterError(Exception):
    """The folder cannot be used; carries every problem found."""

    def __init__(self, *problems: Problem):
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those of `problems` that keep the folder from being used."""
    return [problem for problem in problems if problem.severity == ERROR]


def identified(sentence: str, *, cause: str) -> str:
    """The sentence, with the identifier of its cause at the end; of several lines, the last one."""
    return f"{sentence} [{cause}]" if cause else sentence


def quoted(value: object) -> str:
    """`value` as a message may quote it: on one line, printable (names in any script are), and short."""
    text = repr(value)
    return text if len(text) <= 70 else text[:66] + "..." + text[-1]
