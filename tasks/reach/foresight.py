"""Facts ahead of time: with its first fact a host is asked all that its last runs asked it, in one command.

A run that changes nothing asks a worker some ninety commands, one after the other, each of which costs some 50 ms and
takes 4. From the one answer a fact is read as if its own command had been run: the same command, the same parser. An
answer holds as its fact says (Holds), and never longer than AGE; what was not foreseen is asked as ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gevent.lock import BoundedSemaphore
from pyinfra import logger

from cluster.files import write_atomically
from tasks.reach import together
from tasks.reach.answers import Answer
from tasks.reach.asking import Holds
from tasks.reach.kept_shells import ShellEnded

FOLDER = ".foresight"
# Seconds that an answer may be old: what a person or a timer changes meanwhile is seen after this time at the latest.
AGE = 120.0
# Seconds for all answers of a host; where a probe hangs, each is asked by itself, with its own limit and its own name.
LIMIT = 60
# Runs after which a command that none of them asked is forgotten: one run of another deploy between two of this one
# costs nothing. What a run asked that has changed the host is forgotten by the next: half of it was to install things.
KEPT = 2

# Asks the host all these commands at once, as root (true) or as the login's user.
AskAll = Callable[[bool, list[str]], dict[str, Answer]]


class Foresight:
    """What one host is asked in a run, and what it has answered ahead of time."""

    changes = 0
    """Of all hosts of this run."""

    def __init__(self, folder: Path | None, name: str, ask_all: AskAll):
        """`folder` holds what earlier runs asked the host `name`; None: everything is asked afresh, nothing noted."""
        self._file, self._ask_all = folder / f"{name}.json" if folder else None, ask_all
        self._known = self._read()
        self._asked: dict[bool, dict[str, None]] = {True: {}, False: {}}
        self._heard: dict[bool, tuple[float, int, dict[str, Answer]]] = {}
        self._told: tuple[float, int, dict[str, Answer]] | None = None
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

    def told(self, answers: dict[str, Answer]) -> None:
        """Take root's commands with what they have said a moment ago, as to preflight: the first fact need not ask."""
        if self._file:
            self._told = (time.monotonic(), Foresight.changes, answers)

    def answer(self, command: str, as_root: bool, holds: Holds) -> Answer | None:
        """What `command` of a fact would say, as far as it is known."""
        if holds is Holds.NOT:
            return None
        self._asked[as_root][command] = None
        with self._one_asks:
            if self._changed:
                return None
            if as_root not in self._heard:
                told = (as_root and self._told) or (time.monotonic(), Foresight.changes, {})
                self._heard[as_root] = (*told[:2], self._ask(as_root, told[2]))
        since, changes, heard = self._heard[as_root]
        late = time.monotonic() - since > AGE
        other = holds is Holds.UNTIL_A_HOST_CHANGES and changes != Foresight.changes
        return None if late or other else heard.get(command)

    def keep(self) -> None:
        """Note what was asked, for the next run; a folder that cannot be written is no reason to fail."""
        asked = KEPT - 1 if self._changed else 0
        noted = {
            as_root: {
                **{command: runs + 1 for command, runs in self._known[as_root].items() if runs + 1 < KEPT},
                **dict.fromkeys(self._asked[as_root], asked),
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

    def _ask(self, as_root: bool, told: dict[str, Answer]) -> dict[str, Answer]:
        commands = [command for command in self._known[as_root] if command not in told]
        try:
            return told | (together.answers(partial(self._ask_all, as_root), commands) if commands else {})
        except (OSError, ShellEnded) as error:
            logger.debug("%s: nothing answered ahead of time: %s", self._file, error)
            return told
