"""Commands and files on a host, whichever way it is reached: composing, running, writing atomically and reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import IO, Any, Protocol

import gevent
from pyinfra import logger
from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.output import echo
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host, read_output_buffers

from cluster.problems import identified
from tasks.reach import foresight, streams
from tasks.reach.answers import Answer
from tasks.reach.asking import asking
from tasks.reach.context import cluster_of
from tasks.reach.foresight import Foresight
from tasks.reach.kept_shells import KeptShells, ShellEnded
from tasks.reach.script import script
from tasks.reach.stop import GIVEN_UP, given_up


class Running(Protocol):
    """A started command: its three streams and a way to wait for its exit status."""

    stdin: IO[bytes]
    stdout: streams.Source
    stderr: streams.Source

    def wait(self) -> int:
        """Wait for the command to end and give its exit status."""

    def kill(self) -> None:
        """Leave the command to itself, or end it."""


_SHELL_ENDED = b"the command ended its own shell, or there was no room for what it said (in /dev/shm, else in /tmp)\n"


class HostShell(BaseConnector):
    """What both connectors share; they say how a command is started and whose password sudo takes."""

    handles_execution = True

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """The host under its plain name."""
        yield name, {}, []

    def _start(self, raw: str, pty: bool) -> Running:
        raise NotImplementedError

    def _is_root(self) -> bool:
        raise NotImplementedError

    def _sudo_password(self) -> str | None:
        raise NotImplementedError

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run `command`; with `_sudo` as root, the password (where sudo asks for one) by standard input."""
        if given_up(self.state, self.host):
            return False, CommandOutput([OutputLine("stderr", GIVEN_UP)])
        pty = arguments.pop("_get_pty", False)
        timeout = arguments.pop("_timeout", None)
        stdin = arguments.pop("_stdin", None)
        success = arguments.pop("_success_exit_codes", None) or [0]
        as_root, as_user = bool(arguments.get("_sudo")), arguments.get("_sudo_user")
        raw, shown, prefix, inner = self._compose(command, arguments)
        by_itself = bool(as_user or stdin or pty or timeout or print_output)
        holds = asking()
        if holds is None:
            self._foresight.changed()
        elif not by_itself:
            known = self._foresight.answer(inner, as_root, holds)
            if known:
                return known.status in success, known.output
        if print_input:
            echo(f"{self.host.print_prefix}>>> {shown}", err=True)
        answer = None if by_itself else self._in_kept_shell(shown, inner, as_root)
        if answer:
            return answer.status in success, answer.output
        logger.debug("Running command on %s: %s", self.host.name, shown)
        running = self._start(raw, pty)
        with self._limited(running.kill):
            feeder = gevent.spawn(streams.feed, running.stdin, prefix, stdin)
            said = streams.lines(running.stdout), streams.lines(running.stderr)
            output = read_output_buffers(*said, timeout, print_output, self.host.print_prefix)
            status = running.wait()
            feeder.join()
        return status in success, output

    def kept_open(self, command: StringCommand, line: str, wanted: int) -> tuple[Running, list[str]]:
        """Start `command` as root, give it `line`, and leave it at work with its input open: it sees this run end.

        Beside it, the first lines that it says: `wanted` of them, or fewer where it ended before.
        """
        raw, shown, prefix, _ = self._compose(command, {"_sudo": True})
        logger.debug("Running command on %s: %s", self.host.name, shown)
        running = self._start(raw, False)
        try:
            running.stdin.write(prefix + f"{line}\n".encode())
            running.stdin.flush()
        except OSError:
            pass  # it has ended, and said why
        return running, [one.strip() for one in islice(streams.lines(running.stdout), wanted)]

    @contextmanager
    def _limited(self, kill: Callable[[], object], limit: int | None = None) -> Iterator[None]:
        """OSError, which pyinfra keeps to the one host, where it takes longer than `limit` or the command_timeout."""
        seconds = limit or cluster_of(self.host).config.command_timeout
        said = f"a command has not ended within {seconds} s and was given up"
        fix = "see what hangs there, or raise command_timeout in config.yaml"
        overrun = OSError(identified(f"{said}; {fix}", cause="command-hangs"))
        try:
            with gevent.Timeout(seconds, overrun):
                yield
        except OSError as error:
            if error is overrun:
                kill()
            raise

    @cached_property
    def _shells(self) -> KeptShells:
        def start(as_root: bool) -> tuple[Running, bytes]:
            raw, shown, password, _ = self._compose(StringCommand("sh"), {"_sudo": as_root})
            logger.debug("Running command on %s: %s", self.host.name, shown)
            return self._start(raw, False), password

        def clear(as_root: bool, folder: str, group: str | None) -> None:
            # Debian's own kill reads `-KILL -1234` as "every process"; in this form all of them read a group.
            kill = f"kill -s KILL -- -{int(group)};" if group else ""
            self._run_raw(StringCommand(kill, "rm -rf --", QuoteString(folder)), b"", {"_sudo": as_root})

        return KeptShells(start, clear)

    def _in_kept_shell(
        self, shown: StringCommand, inner: str, as_root: bool, limit: int | None = None
    ) -> Answer | None:
        """What the open shell of root, or of the login's user, says to `inner`; None where there is none to be had.

        A command that ends its shell has the exit status -1, as with paramiko; OSError where the connection is lost.
        A fact's is run by itself then, which changes nothing: a shell without room for what it says ends as well.
        """
        if not cluster_of(self.host).config.quick_connection:
            return None
        try:
            with self._limited(lambda: None, limit), self._shells.turn(as_root) as shell:
                if shell is None:
                    return None
                logger.debug("In a shell of %s: %s", self.host.name, shown)
                return dict(shell.answers([inner]))[inner]
        except ShellEnded:
            if asking() is not None:
                self._shells.give_up(as_root)
                return None
            return Answer(-1, b"", _SHELL_ENDED)

    def _compose(self, command: StringCommand, arguments: dict[str, Any]) -> tuple[str, StringCommand, bytes, str]:
        """The raw command line, the same to be shown (no secrets), what must precede its input, and what sudo runs."""
        sudo, user = arguments.pop("_sudo", False), arguments.pop("_sudo_user", None)
        for key in ("_use_sudo_login", "_sudo_password", "_preserve_sudo_env"):
            arguments.pop(key, None)
        inner = make_unix_command_for_host(self.state, self.host, command, **arguments)
        innermost = inner.get_raw_value()
        if not sudo or (self._is_root() and not user):
            return innermost, inner, b"", innermost
        flags = StringCommand("-u", QuoteString(user)) if user else StringCommand()
        shown = StringCommand("sudo", "-n", "-H", flags, inner)
        password = self._sudo_password()
        # Not from the user's home: on NFS with root_squash root has no right to it, and find, say, ends with an error.
        away = "cd / &&"
        if password is None:
            return StringCommand(away, shown).get_raw_value(), shown, b"", innermost
        raw = StringCommand(away, script("reach/sudo.sh"), flags, inner).get_raw_value()
        return raw, shown, password.encode() + b"\n", innermost

    def _run_raw(self, command: StringCommand, stdin: Any, arguments: dict[str, Any]) -> tuple[int, bytes, str]:
        """Run `command` with bytes in and bytes out: exit status, standard output, and the last line of errors."""
        if given_up(self.state, self.host):
            return 1, b"", GIVEN_UP
        for key in ("_get_pty", "_timeout", "_success_exit_codes", "_stdin", "_chdir"):
            arguments.pop(key, None)
        limit = arguments.pop("_limit", None)
        as_root = bool(arguments.get("_sudo"))
        by_itself = bool(stdin is not None or arguments.get("_sudo_user"))
        raw, shown, prefix, inner = self._compose(command, arguments)
        answer = None if by_itself else self._in_kept_shell(shown, inner, as_root, limit)
        if answer:
            return answer.status, answer.stdout, self._last_line(answer.stderr, answer.status)
        logger.debug("Running command on %s: %s", self.host.name, shown)
        running = self._start(raw, False)
        with self._limited(running.kill, limit):
            feeder = gevent.spawn(streams.feed, running.stdin, prefix, stdin)
            errors = gevent.spawn(running.stderr.read)
            output = running.stdout.read()
            status = running.wait()
            feeder.join()
        return status, output, self._last_line(errors.get(), status)

    @staticmethod
    def _last_line(errors: bytes, status: int) -> str:
        said = streams.text(errors).strip().splitlines()
        return said[-1] if said else f"exit status {status}"

    @cached_property
    def _foresight(self) -> Foresight:
        cluster = cluster_of(self.host)

        def ask_all(as_root: bool, commands: list[str]) -> dict[str, Answer]:
            with self._limited(lambda: None, foresight.LIMIT), self._shells.turn(as_root) as shell:
                return dict(shell.answers(commands)) if shell else {}

        folder = cluster.folder / foresight.FOLDER if cluster.config.quick_connection else None
        return Foresight(folder, self.host.name, ask_all)

    def heard(self, said: list[tuple[StringCommand, list[str]]]) -> None:
        """Take commands of facts, which root has run outside of them a moment ago, with the lines that they said."""
        self._foresight.told(
            {
                self._compose(command, {"_sudo": True})[3]: Answer(
                    0, "".join(f"{one}\n" for one in lines).encode(), b""
                )
                for command, lines in said
            }
        )

    def ask_afresh(self) -> bool:
        """Foresee nothing from here on; true where something may have been read from foreseen answers until now."""
        foreseen = self._foresight.open
        self._foresight.changed()
        return foreseen

    def disconnect(self) -> None:
        """Note what the host was asked, for the next run, and end its shells."""
        self._foresight.keep()
        self._shells.close()

    def put_file(
        self, filename_or_io: Any, remote_filename: str, remote_temp_filename: str | None = None,
        print_output: bool = False, print_input: bool = False, **arguments: Any,
    ) -> bool:  # fmt: skip
        """Write a file whole or not at all: beside it, checked, flushed, renamed; a new file is 0600 until chmod."""
        self._foresight.changed()
        with streams.opened(filename_or_io) as (source, size, sha256):
            command = script("reach/write.sh", remote_filename, size, sha256)
            status, _, error = self._run_raw(command, source, dict(arguments))
        if status != 0:
            logger.error("%scould not write %s: %s", self.host.print_prefix, remote_filename, error)
        return status == 0

    def get_file(
        self, remote_filename: str, filename_or_io: Any, remote_temp_filename: str | None = None,
        print_output: bool = False, print_input: bool = False, **arguments: Any,
    ) -> bool:  # fmt: skip
        """Read a file without making a copy of it on the host."""
        command = StringCommand("cat", "--", QuoteString(remote_filename))
        status, content, error = self._run_raw(command, None, dict(arguments))
        if status != 0:
            logger.error("%scould not read %s: %s", self.host.print_prefix, remote_filename, error)
            return False
        streams.save(content, filename_or_io)
        return True
