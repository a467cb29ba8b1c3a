"""A host that is reached and lets nobody in: one sentence says why, from a real SSH server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from pyinfra.api.exceptions import ConnectError

from tasks.reach import connectors
from tasks.reach.connectors import ClusterSSH
from tests.unit.cluster_folder import C, write

Server = Callable[[str], int]


class _Refusing(paramiko.ServerInterface):
    """Lets nobody in; `methods` are those that it says it takes."""

    def __init__(self, methods: str):
        self.methods = methods

    def get_allowed_auths(self, username: str) -> str:
        return self.methods


@pytest.fixture
def refusing() -> Iterator[Server]:
    """Starts a server that takes these methods; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    served: list[paramiko.Transport] = []

    def start(methods: str) -> int:
        def serve() -> None:
            connection, _ = listener.accept()
            served.append(paramiko.Transport(connection))
            served[0].add_server_key(paramiko.ECDSAKey.generate())
            served[0].start_server(threading.Event(), _Refusing(methods))

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    listener.close()
    for transport in served:
        transport.close()


@pytest.mark.parametrize(
    ("methods", "password", "found", "fix"),
    [
        ("publickey", "x", "login as a refused (the password): sshd there takes publickey alone", "set ssh_key_file_"),
        ("publickey,password", "x", "login as a refused (the password)", "check user, password and ssh_key_file_path"),
        ("publickey", "", "nothing to log in as a with (the agent's keys and those of ~/.ssh", "set password or ssh_k"),
    ],
)
def test_a_login_that_is_refused(
    methods: str, password: str, found: str, fix: str, refusing: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("OPENPAI_PASSWORD", raising=False)
    config = f"user: a\nssh_port: {refusing(methods)}\n" + f"password: {password}\n" * bool(password)
    data = SimpleNamespace(address="127.0.0.1", cluster_folder=str(write(tmp_path / "prod", {C: config})))
    connector: Any = ClusterSSH.__new__(ClusterSSH)
    connector.host = SimpleNamespace(data=data, connector_data={}, name="w-1")
    connector.state = SimpleNamespace(config=SimpleNamespace(CONNECT_TIMEOUT=10))
    with pytest.raises(ConnectError) as refused:
        connector.connect()
    problem = connector.host.connector_data["refusal"]
    assert problem.found.startswith(f"127.0.0.1: {found}") and problem.fix.startswith(fix), problem
    assert str(refused.value) == str(problem) and "prod/config.yaml" in problem.fix
    connector.client.close()


def test_a_server_that_takes_nothing() -> None:
    """paramiko tells that by a list of none."""
    none = paramiko.BadAuthenticationType("x", [])
    problem = connectors.login_refused(none, "10.0.0.1", "a", "the password", "config.yaml")
    assert problem.found == "10.0.0.1: login as a refused (the password): sshd there takes nothing alone"
