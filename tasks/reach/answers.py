"""Several commands in one shell of a host, and what each of them said: the shell program and its output."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pyinfra.connectors.util import CommandOutput, OutputLine

from tasks.reach import streams
from tasks.reach.script import text


@dataclass(frozen=True)
class Answer:
    """What a command has said, as it would have said it by itself."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def output(self) -> CommandOutput:
        """The same as pyinfra has it, standard output before errors."""
        said = (("stdout", self.stdout), ("stderr", self.stderr))
        return CommandOutput(
            [OutputLine(name, line.rstrip("\n")) for name, raw in said for line in streams.lines(io.BytesIO(raw))]
        )


def head() -> bytes:
    """What sh reads before the first question()."""
    return text("reach/answers.sh").encode()


def question(commands: list[str]) -> bytes:
    """The lines by which a shell that has read head() answers `commands`, for heard()."""
    return "".join([*(f"answer {shlex.quote(one)}\n" for one in commands), "answered\n"]).encode()


def heard(source: IO[bytes], commands: list[str]) -> Iterator[tuple[str, Answer]]:
    """Each of `commands` with its answer; ValueError where it is cut off or something else is there."""
    marks = [_mark(source.readline()) for _ in commands]
    for command, (status, *sizes) in zip(commands, marks, strict=True):
        stdout, stderr = (source.read(size) for size in sizes)
        if [len(stdout), len(stderr)] != sizes:
            raise ValueError("cut off")
        yield command, Answer(status, stdout, stderr)


def _mark(line: bytes) -> list[int]:
    mark, *numbers = line.split() or [b""]
    if mark != b"@@@":
        raise ValueError("no mark")
    return [int(number) for number in numbers]
