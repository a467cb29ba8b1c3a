"""Facts ahead of time: with its first fact a host is asked all that its last runs asked it, in one command.

A run that changes nothing asks a worker some ninety commands, one after the other, each of which costs some 50 ms and
takes 4. From the one answer a fact is read as if its own command had been run: the same command, the same parser. An
answer holds as its fact says (Holds), and never longer than AGE; what was not foreseen is asked as ever.
"""

from __future__ import annotations

import io
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gevent.lock import BoundedSemaphore
from pyinfra import logger
from pyinfra.connectors.util import CommandOutput, OutputLine

from cluster.files import write_atomically
from tasks.reach import streams
from tasks.reach.asking import Holds
from tasks.reach.script import text

FOLDER = ".foresight"
# Seconds that an answer may be old: what a person or a timer changes meanwhile is seen after this time at the latest.
AGE = 120.0
# Seconds for all answers of a host; where a probe hangs, each is asked by itself, with its own limit and its own name.
LIMIT = 60
# Runs after which a command that none of them asked is forgotten.
KEPT = 5

# Runs the shell program given as bytes as root (true) or as the login's user: exit status and standard output.
Run = Callable[[bool, bytes], tuple[int, bytes]]


@dataclass(frozen=True)
class Answer:
    """What a command has said, as it would have said it by itself."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def output(self) -> CommandOutput:
        """The same as pyinfra has it."""
        said = (("stdout", self.stdout), ("stderr", self.stderr))
        return CommandOutput(
            [OutputLine(name, line.rstrip("\n")) for name, raw in said for line in streams.lines(io.BytesIO(raw))]
        )


def program(commands: list[str]) -> bytes:
    """The shell program that gives the answers to `commands`, for answers()."""
    return "\n".join([text("reach/answers.sh"), *(f"answer {shlex.quote(one)}" for one in commands), ""]).encode()


def answers(commands: list[str], output: bytes) -> dict[str, Answer]:
    """The answers in what program() has printed; ValueError where it was cut off or something else is between them."""
    found, rest = {}, io.BytesIO(output)
    for command in commands:
        mark, *numbers = rest.readline().split()
        if mark != b"@@@":
            raise ValueError("no mark")
        status, *sizes = map(int, numbers)
        stdout, stderr = map(rest.read, sizes)
        if [len(stdout), len(stderr)] != sizes:
            raise ValueError("cut off")
        found[command] = Answer(status, stdout, stderr)
    return found


class Foresight:
    """What one host is asked in a run, and what it has answered ahead of time."""

    changes = 0
    """Of all hosts of this run."""

    def __init__(self, folder: Path | None, name: str, run: Run):
        """`folder` holds what earlier runs asked the host `name`; None: everything is asked afresh, nothing noted."""
        self._file, self._run = folder / f"{name}.json" if folder else None, run
        self._known = self._read()
        self._asked: dict[bool, dict[str, int]] = {True: {}, False: {}}
        self._heard: dict[bool, tuple[float, int, dict[str, Answer]]] = {}
        self._changed = False
        self._one_asks = BoundedSemaphore(1)

    @property
    def open(self) -> bool:
        """Whether answers may have been foreseen, and still may be."""
        return not self._changed and any(heard for _, _, heard in self._heard.values())

    def changed(self) -> None:
        """A command may have changed this host: from here on it is asked afresh."""
        self._changed = True
        Foresight.changes += 1

    def answer(self, command: str, as_root: bool, holds: Holds) -> Answer | None:
        """What `command` of a fact would say, as far as it is known."""
        if holds is Holds.NOT:
            return None
        self._asked[as_root][command] = 0
        with self._one_asks:
            if self._changed:
                return None
            if as_root not in self._heard:
                self._heard[as_root] = (time.monotonic(), Foresight.changes, self._ask(as_root))
        since, changes, heard = self._heard[as_root]
        late = time.monotonic() - since > AGE
        other = holds is Holds.UNTIL_A_HOST_CHANGES and changes != Foresight.changes
        return None if late or other else heard.get(command)

    def keep(self) -> None:
        """Note what was asked, for the next run; a folder that cannot be written is no reason to fail."""
        noted = {
            as_root: {
                **{command: runs + 1 for command, runs in self._known[as_root].items() if runs + 1 < KEPT},
                **self._asked[as_root],
            }
            for as_root in (True, False)
        }
        if not self._file or not any(self._asked.values()) or noted == self._known:
            return
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._file, json.dumps({"root": noted[True], "user": noted[False]}, indent=0))
        except OSError as error:
            logger.debug("%s: not written: %s", self._file, error)

    def _read(self) -> dict[bool, dict[str, int]]:
        try:
            noted = json.loads(self._file.read_text()) if self._file else {}
            return {True: dict(noted["root"]), False: dict(noted["user"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {True: {}, False: {}}

    def _ask(self, as_root: bool) -> dict[str, Answer]:
        commands = list(self._known[as_root])
        if not commands:
            return {}
        try:
            status, output = self._run(as_root, program(commands))
            return answers(commands, output) if status == 0 else {}
        except (OSError, ValueError) as error:
            logger.debug("%s: nothing answered ahead of time: %s", self._file, error)
            return {}
