"""pyinfra connectors for a cluster's hosts: `@cluster/NAME` over SSH and `@cluster-local/NAME` for this machine.

pyinfra's own fall short in four ways that this module mends: they put sudo's password on the target's command line,
leave uploads half-written (and world-readable in /tmp), accept any host key when reconnecting, and end a refused login
with a message that names no remedy.
"""

from __future__ import annotations

import errno
import getpass
import logging
import os
import socket
from dataclasses import replace
from typing import Any, cast

from gevent.subprocess import PIPE, Popen
from paramiko import (
    AuthenticationException,
    BadAuthenticationType,
    BadHostKeyException,
    PasswordRequiredException,
    PKey,
)
from paramiko.ssh_exception import SSHException
from pydantic import SecretStr
from pyinfra.api.exceptions import ConnectError
from pyinfra.connectors.ssh import SSHConnector

from cluster import Problem, secrets
from cluster.problems import identified
from tasks import progress
from tasks.reach import one_run, streams
from tasks.reach.context import cluster_of
from tasks.reach.host_shell import HostShell, Running
from tasks.reach.pinning import PinningClient

# Its transport thread prints tracebacks of connections that fail; connect() says the same in one line.
logging.getLogger("paramiko.transport").setLevel(logging.CRITICAL)
# Seconds; an idle host in the middle of another host's long step must not lose its connection.
KEEPALIVE = 15
# pyinfra loads all connectors for every inventory, also for one that it did not find.
progress.watch_ours()


def unreached(error: Exception, address: str, port: int, config: str) -> Problem:
    """What kept a TCP or SSH connection from being made, and what to do about it."""
    # paramiko tries each address of a name, and reports what came of them as one error with a number of none.
    inner = next(iter(getattr(error, "errors", {}).values()), error)
    number = getattr(inner, "errno", None)
    if number == errno.ECONNREFUSED:
        return Problem(
            f"{address}: connection refused: the machine is there, and nothing listens on port {port}",
            f"start sshd on it, or set ssh_port in {config} to the port that sshd listens on",
            cause="ssh-refused",
        )
    if isinstance(inner, TimeoutError) or number == errno.ETIMEDOUT:
        return Problem(
            f"{address}: timed out: nothing answers on port {port}",
            "check that the machine is up, its address in the CSV file, and firewalls between here and there",
            cause="ssh-timeout",
        )
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN):
        return Problem(
            f"{address}: no route: no way leads there from this machine ({os.strerror(number)})",
            "check the address in the CSV file, this machine's network and its routes (ip route get ADDRESS)",
            cause="ssh-no-route",
        )
    if isinstance(inner, socket.gaierror):
        return Problem(
            f"{address}: this name has no address ({inner.strerror})",
            "correct it in the CSV file, or see to DNS or /etc/hosts on this machine",
            cause="ssh-name",
        )
    return Problem(
        f"{address}: no SSH connection to port {port} ({str(inner) or type(inner).__name__})",
        "see what answers on that port, and sshd's log on the machine (journalctl -u ssh)",
        cause="ssh-silent",
    )


def login_refused(error: Exception | None, address: str, user: str, tried: str, config: str) -> Problem:
    """Why a host that is reached did not let `user` in, and what to do; without `error` nothing was offered."""
    said, fix = f"login as {user} refused ({tried})", f"check user, password and ssh_key_file_path in {config}"
    if error is None:
        said = f"nothing to log in as {user} with ({tried}: there are none)"
        fix = f"set password or ssh_key_file_path in {config}, or OPENPAI_PASSWORD"
    elif isinstance(error, BadAuthenticationType):
        said = f"{said}: sshd there takes {', '.join(sorted(error.allowed_types)) or 'nothing'} alone"
        fix = f"set ssh_key_file_path in {config} to a key that it knows, or PasswordAuthentication in its sshd_config"
    return Problem(f"{address}: {said}", fix, cause="ssh-login")


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


class ClusterSSH(HostShell, SSHConnector):
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
        except (EOFError, SSHException) as error:
            transport = self.client.get_transport()
            if isinstance(error, SSHException) and transport and transport.is_active():
                raise
            # pyinfra fails the one host on an OSError; paramiko's EOFError would end the run for all.
            lost = "the connection to the host was lost; see whether it is up, then run again"
            raise OSError(identified(lost, cause="connection-lost")) from error

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
            changed = f"{address}: the host key changed: pinned {pinned}, found {found}"
            fix = f"if the machine was reinstalled: ssh-keygen -f {cluster.known_hosts} -R {address}"
            raise self._refusal(Problem(changed, fix, cause="ssh-host-key")) from None
        except AuthenticationException as error:
            raise self._refusal(login_refused(error, address, config.user, tried, f"{where}/config.yaml")) from None
        except (OSError, EOFError, SSHException) as error:
            # paramiko found the host, and no key at all to show it.
            if type(error) is SSHException and (transport := self.client.get_transport()) and transport.is_active():
                raise self._refusal(login_refused(None, address, config.user, tried, f"{where}/config.yaml")) from None
            raise self._refusal(unreached(error, address, config.ssh_port, f"{where}/config.yaml")) from None
        transport = self.client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEPALIVE)
        one_run.reached(self.host)

    def _refusal(self, problem: Problem) -> ConnectError:
        """Why this host cannot be logged in to; kept for preflight's table."""
        self.host.connector_data["refusal"] = replace(problem, needed="an SSH connection")
        return ConnectError(str(problem))

    def disconnect(self) -> None:
        """Close the connection, so that a host that reboots leaves no half-open one."""
        super().disconnect()
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
                raise self._refusal(Problem(said, "see ssh_key_file_path", cause="ssh-key-file")) from None
        password = _plain(secrets.password(cluster))
        if password is not None:
            keys["password"] = password
            tried.append("the password")
        if not tried:
            keys = {"allow_agent": True, "look_for_keys": True}
            tried.append("the agent's keys and those of ~/.ssh")
        return keys, " and ".join(tried)


class ClusterLocal(HostShell):
    """The dev box when it is the machine that pyinfra runs on."""

    def _is_root(self) -> bool:
        return os.geteuid() == 0

    def _sudo_password(self) -> str | None:
        cluster = cluster_of(self.host)
        return _plain(secrets.password(cluster)) if getpass.getuser() == cluster.config.user else None

    def _start(self, raw: str, pty: bool) -> Running:
        return cast(Running, Popen(raw, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE))
