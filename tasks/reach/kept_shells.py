"""Shells that stay open: one of root and one of the login's user on each host.

A command by itself costs the host a channel, a process of sshd, a login shell, PAM and sudo: some 50 ms for 4 ms of
work. Here it is a line that an open shell reads. What needs standard input, a terminal, another user or a time limit of
its own, and what comes while the shell is at another command, is run by itself as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import gevent
from gevent.lock import BoundedSemaphore
from pyinfra import logger

from tasks.reach import streams
from tasks.reach.answers import Answer, head, heard, question

# The shell's process group, by which a hung command is killed, the shell with it, and the folder that this leaves.
_WHAT_IT_IS = """cut -d' ' -f5 /proc/self/stat; printf %s "$kept\""""
# Seconds for a shell to begin, and to kill one whose command hangs; a host that takes longer has none.
PATIENCE = 30


class Running(Protocol):
    """A started shell: standard input and output."""

    stdin: Any
    stdout: Any

    def kill(self) -> None:
        """Leave it to itself, or end it."""


class ShellEnded(Exception):
    """The shell ended before its answer: its command ended it, or the connection is gone."""


class KeptShell:
    """One open shell, which answers questions one after the other."""

    def __init__(self, running: Running, password: bytes):
        """`password`: what sudo reads before the shell begins, a line or nothing. ShellEnded where no shell comes."""
        self._running = running
        self._said = streams.past_mark(running.stdout)
        self._send(password + head())
        found = dict(self.answers([_WHAT_IT_IS]))[_WHAT_IT_IS]
        self.group, self.folder = found.stdout.decode().split("\n", 1)

    def answers(self, commands: list[str]) -> Iterator[tuple[str, Answer]]:
        """What `commands` say, one after the other; ShellEnded."""
        self._send(question(commands))
        try:
            yield from heard(self._said, commands)
        except (EOFError, ValueError) as error:
            raise ShellEnded(str(error)) from None

    def _send(self, lines: bytes) -> None:
        """In a greenlet of its own: the shell may have to be read before it takes all of it."""
        gevent.spawn(self._write, lines)

    def _write(self, lines: bytes) -> None:
        try:
            self._running.stdin.write(lines)
            self._running.stdin.flush()
        except (OSError, EOFError, ValueError) as error:
            logger.debug("a shell takes no more: %s", error)

    def close(self) -> None:
        """Let the shell end, as it does with its input: it removes its folder then."""
        try:
            self._running.stdin.close()
        except (OSError, EOFError) as error:
            logger.debug("a shell is gone already: %s", error)

    def kill(self) -> None:
        """Wait for it no more."""
        self._running.kill()


class KeptShells:
    """The open shells of one host."""

    def __init__(
        self, start: Callable[[bool], tuple[Running, bytes]], clear: Callable[[bool, str, str | None], object]
    ):
        """`start` starts sh, as root (true) or as the login's user, and gives it with what sudo reads first; `clear`,
        as the same, removes a shell's folder after killing a process group, where one is given."""
        self._start, self._clear = start, clear
        self._shells: dict[bool, KeptShell] = {}
        self._turns = {as_root: BoundedSemaphore(1) for as_root in (True, False)}
        self._none_to_be_had: set[bool] = set()

    @contextmanager
    def turn(self, as_root: bool) -> Iterator[KeptShell | None]:
        """The shell for one's own use; None where it is busy or cannot be had. What raises in the block ends it."""
        if as_root in self._none_to_be_had or not self._turns[as_root].acquire(blocking=False):
            yield None
            return
        try:
            shell = self._shells.get(as_root) or self._begun(as_root)
            try:
                yield shell
            except ShellEnded:
                self._forget(as_root)
                raise
            except BaseException:
                self._forget(as_root, at_work=True)
                raise
        finally:
            self._turns[as_root].release()

    def _begun(self, as_root: bool) -> KeptShell | None:
        try:
            with gevent.Timeout(PATIENCE, ShellEnded("it does not begin")):
                self._shells[as_root] = KeptShell(*self._start(as_root))
        except ShellEnded as error:
            logger.debug("no shell can be kept: %s", error)
        if as_root not in self._shells:
            self.give_up(as_root)
        return self._shells.get(as_root)

    def _forget(self, as_root: bool, at_work: bool = False) -> None:
        """The next command has a new shell; `at_work` what the old one does is killed.

        OSError where a shell that ended by itself did so because the connection to the host is lost.
        """
        shell = self._shells.pop(as_root, None)
        if not shell:
            return
        try:
            if not at_work:
                self._clear(as_root, shell.folder, None)
                return
            with gevent.Timeout(PATIENCE, OSError("it takes too long")):
                self._clear(as_root, shell.folder, shell.group)
        except (OSError, EOFError) as error:
            if not at_work:
                raise
            logger.debug("not killed: %s", error)
        finally:
            shell.kill()

    def give_up(self, as_root: bool) -> None:
        """Have each command of root, or of the login's user, run by itself from here on."""
        self._none_to_be_had.add(as_root)

    def close(self) -> None:
        """End them; a connection that is made anew has new ones."""
        for shell in self._shells.values():
            shell.close()
        self._shells.clear()
        self._none_to_be_had.clear()
