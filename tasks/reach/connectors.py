"""pyinfra connectors for a cluster's hosts: `@cluster/NAME` over SSH and `@cluster-local/NAME` for this machine.

pyinfra's own fall short in four ways that this module mends: they put sudo's password on the target's command line,
leave uploads half-written (and world-readable in /tmp), accept any host key when reconnecting, and end a refused login
with a message that names no remedy.
"""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol, cast

import gevent
from gevent.subprocess import PIPE, Popen
from paramiko import AuthenticationException, BadHostKeyException, PasswordRequiredException, PKey
from paramiko.ssh_exception import SSHException
from pydantic import SecretStr
from pyinfra import logger
from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.output import echo
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host, read_output_buffers

from cluster import Problem, secrets
from tasks.reach import streams
from tasks.reach.context import cluster_of
from tasks.reach.pinning import PinningClient
from tasks.reach.script import script
from tasks.reach.stop import GIVEN_UP, given_up

# Its transport thread prints tracebacks of connections that fail; connect() says the same in one line.
logging.getLogger("paramiko.transport").setLevel(logging.CRITICAL)
# Seconds; an idle host in the middle of another host's long step must not lose its connection.
KEEPALIVE = 15


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


class Running(Protocol):
    """A started command: its three streams and a way to wait for its exit status."""

    stdin: IO[bytes]
    stdout: streams.Source
    stderr: streams.Source

    def wait(self) -> int:
        """Wait for the command to end and give its exit status."""

    def kill(self) -> None:
        """Leave the command to itself, or end it."""


class _Base(BaseConnector):
    """What both connectors share: composing, running, writing atomically and reading files."""

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
        raw, shown, prefix = self._compose(command, arguments)
        logger.debug("Running command on %s: %s", self.host.name, shown)
        if print_input:
            echo(f"{self.host.print_prefix}>>> {shown}", err=True)
        running = self._start(raw, pty)
        with self._limited(running):
            feeder = gevent.spawn(streams.feed, running.stdin, prefix, stdin)
            said = streams.lines(running.stdout), streams.lines(running.stderr)
            output = read_output_buffers(*said, timeout, print_output, self.host.print_prefix)
            status = running.wait()
            feeder.join()
        return status in success, output

    @contextmanager
    def _limited(self, running: Running) -> Iterator[None]:
        """OSError, which pyinfra keeps to the one host, where it takes longer than the config's command_timeout."""
        seconds = cluster_of(self.host).config.command_timeout
        overrun = OSError(
            f"a command has not ended within {seconds} s and was given up; see what hangs there, or raise "
            "command_timeout in config.yaml"
        )
        try:
            with gevent.Timeout(seconds, overrun):
                yield
        except OSError as error:
            if error is overrun:
                running.kill()
            raise

    def _compose(self, command: StringCommand, arguments: dict[str, Any]) -> tuple[str, StringCommand, bytes]:
        """The raw command line, the same for showing (secrets masked), and what must precede its input."""
        sudo, user = arguments.pop("_sudo", False), arguments.pop("_sudo_user", None)
        for key in ("_use_sudo_login", "_sudo_password", "_preserve_sudo_env"):
            arguments.pop(key, None)
        inner = make_unix_command_for_host(self.state, self.host, command, **arguments)
        if not sudo or (self._is_root() and not user):
            return inner.get_raw_value(), inner, b""
        flags = StringCommand("-u", QuoteString(user)) if user else StringCommand()
        shown = StringCommand("sudo", "-n", "-H", flags, inner)
        password = self._sudo_password()
        if password is None:
            return shown.get_raw_value(), shown, b""
        raw = StringCommand(script("reach/sudo.sh"), flags, inner).get_raw_value()
        return raw, shown, password.encode() + b"\n"

    def _run_raw(self, command: StringCommand, stdin: Any, arguments: dict[str, Any]) -> tuple[int, bytes, str]:
        """Run `command` with bytes in and bytes out: exit status, standard output, and the last line of errors."""
        if given_up(self.state, self.host):
            return 1, b"", GIVEN_UP
        for key in ("_get_pty", "_timeout", "_success_exit_codes", "_stdin", "_chdir"):
            arguments.pop(key, None)
        raw, _, prefix = self._compose(command, arguments)
        running = self._start(raw, False)
        with self._limited(running):
            feeder = gevent.spawn(streams.feed, running.stdin, prefix, stdin)
            errors = gevent.spawn(running.stderr.read)
            output = running.stdout.read()
            status = running.wait()
            feeder.join()
            said = streams.text(errors.get()).strip().splitlines()
        return status, output, said[-1] if said else f"exit status {status}"

    def put_file(
        self, filename_or_io: Any, remote_filename: str, remote_temp_filename: str | None = None,
        print_output: bool = False, print_input: bool = False, **arguments: Any,
    ) -> bool:  # fmt: skip
        """Write a file whole or not at all: beside it, checked, flushed, renamed; a new file is 0600 until chmod."""
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


class ClusterSSH(_Base, SSHConnector):
    """A master, worker or remote dev box, by the config's user with key or password."""

    def _is_root(self) -> bool:
        return cluster_of(self.host).config.user == "root"

    def _sudo_password(self) -> str | None:
        return _plain(secrets.password(cluster_of(self.host)))

    def _start(self, raw: str, pty: bool) -> Running:
        assert self.client is not None
        try:
            # A shell that greets whoever logs in does so before the mark.
            return streams.Remote(*self.client.exec_command(f"echo; echo {streams.MARK}; {raw}", get_pty=pty))
        except EOFError:
            # pyinfra fails the one host on an OSError; paramiko's EOFError would end the run for all.
            raise OSError("the connection to the host was lost") from None

    def connect(self) -> None:
        """Connect; on failure say in one line what was tried and what to do, and keep it for preflight's table."""
        cluster = cluster_of(self.host)
        config = cluster.config
        address, where = self.host.data.address, cluster.folder.name
        cluster.known_hosts.touch(mode=0o600, exist_ok=True)
        keys, tried = self._credentials()
        self.client = PinningClient()
        try:
            self.client.connect(
                address,
                _pyinfra_ssh_known_hosts_file=str(cluster.known_hosts),
                username=config.user,
                port=config.ssh_port,
                timeout=self.state.config.CONNECT_TIMEOUT,
                **keys,
            )
        except BadHostKeyException as error:
            pinned, found = error.expected_key.fingerprint, error.key.fingerprint
            raise self._refusal(
                f"{address}: the host key changed: pinned {pinned}, found {found}",
                f"if the machine was reinstalled: ssh-keygen -f {cluster.known_hosts} -R {address}",
            ) from None
        except AuthenticationException:
            raise self._refusal(
                f"{address}: login as {config.user} refused ({tried})",
                f"check user, password and ssh_key_file_path in {where}/config.yaml",
            ) from None
        except (OSError, EOFError, SSHException) as error:
            raise self._refusal(
                f"{address}: no SSH connection to port {config.ssh_port} ({error or type(error).__name__})",
                "check that the machine is up, its address and its sshd",
            ) from None
        transport = self.client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEPALIVE)

    def _refusal(self, found: str, fix: str) -> ConnectError:
        """Why this host cannot be logged in to; kept for preflight's table."""
        problem = self.host.connector_data["refusal"] = Problem(found, fix, needed="an SSH connection")
        return ConnectError(str(problem))

    def disconnect(self) -> None:
        """Close the connection, so that a host that reboots leaves no half-open one."""
        if self.client is not None:
            self.client.close()

    def _credentials(self) -> tuple[dict[str, Any], str]:
        """What to log in with, as paramiko's arguments, and the same in words.

        The agent and ~/.ssh are asked only when the cluster names no key and no password: every key offered in vain
        counts against sshd's MaxAuthTries.
        """
        cluster = cluster_of(self.host)
        keys: dict[str, Any] = {"allow_agent": False, "look_for_keys": False}
        tried = []
        if cluster.identity.is_file():
            try:
                keys["pkey"] = PKey.from_path(cluster.identity)
                tried.append(f"key {cluster.identity}")
            except PasswordRequiredException:
                keys["allow_agent"] = True
                tried.append("the agent's keys")
            except (SSHException, ValueError, OSError) as error:
                said = f"{cluster.identity}: not a private key ({error})"
                raise self._refusal(said, "see ssh_key_file_path") from None
        password = _plain(secrets.password(cluster))
        if password is not None:
            keys["password"] = password
            tried.append("the password")
        if not tried:
            keys = {"allow_agent": True, "look_for_keys": True}
            tried.append("the agent's keys and those of ~/.ssh")
        return keys, " and ".join(tried)


class ClusterLocal(_Base):
    """The dev box when it is the machine that pyinfra runs on."""

    def _is_root(self) -> bool:
        return os.geteuid() == 0

    def _sudo_password(self) -> str | None:
        cluster = cluster_of(self.host)
        return _plain(secrets.password(cluster)) if getpass.getuser() == cluster.config.user else None

    def _start(self, raw: str, pty: bool) -> Running:
        return cast(Running, Popen(raw, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE))
