"""How the suite reaches the hosts: OpenSSH with the cluster's own user, key and known_hosts, or this machine."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host as Connection

from tests.hosts import probes
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.targets import Target, shown

# Seconds: to connect; and, 3 times over, without a sign of life from the host before a connection is given up.
CONNECT_TIMEOUT = 10
ALIVE_INTERVAL = 10
# How many probes a host runs at a time.
BUNDLE = 32
# Every login of its own, not over the shared connection.
FRESH = "-o ControlMaster=no -o ControlPath=none"

SSH_CONFIG = """\
Host {name}
    HostName {address}
    Port {port}
    User {user}
    IdentityFile "{identity}"
    UserKnownHostsFile "{known_hosts}"
"""
SSH_DEFAULTS = """\
Host *
    IdentitiesOnly yes
    BatchMode yes
    PreferredAuthentications publickey
    StrictHostKeyChecking yes
    UpdateHostKeys no
    GlobalKnownHostsFile /dev/null
    ServerAliveInterval {alive}
    ServerAliveCountMax 3
    ForwardAgent no
    LogLevel ERROR
    ControlPath {folder}/%C
"""


class Unreachable(Exception):
    """A host that could not be asked; the message names the host, the cause and the remedy, in one line."""


def check_credentials(targets: Sequence[Target]) -> None:
    """Raise pytest.UsageError when the key or the pinned host keys that the suite logs in with do not exist yet."""
    remote = [target for target in targets if not target.host.is_local]
    if not remote:
        return
    cluster = remote[0].cluster
    for file, what in ((cluster.identity, "SSH key"), (cluster.known_hosts, "list of host keys")):
        if not file.is_file():
            raise pytest.UsageError(
                f"the cluster has no {what} yet ({shown(file)}): run the deploy first: {remote[0].deploy}"
            )


class Connections:
    """testinfra connections to hosts, and bundles of probes over them. `folder` is private and short-lived."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._ssh_config = folder / "ssh_config"
        self._remote: list[Target] = []

    def open(self, targets: Iterable[Target], dev_box: Target) -> None:
        """Write the ssh_config for `targets` and the dev box; nothing connects before it is used."""
        by_name = {target.name: target for target in (dev_box, *targets)}
        self._remote = [target for target in by_name.values() if not target.host.is_local]
        blocks = [
            SSH_CONFIG.format(
                name=target.name,
                address=target.host.address,
                port=target.config.ssh_port,
                user=target.config.user,
                identity=target.cluster.identity,
                known_hosts=target.cluster.known_hosts,
            )
            for target in self._remote
        ]
        self._ssh_config.write_text("".join(blocks) + SSH_DEFAULTS.format(alive=ALIVE_INTERVAL, folder=self.folder))

    def close(self) -> None:
        """End the shared connections instead of leaving them to their time limit."""
        for target in self._remote:
            command = ["ssh", "-F", str(self._ssh_config), "-O", "exit", target.name]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def to(self, target: Target, fresh: bool = False) -> Connection:
        """testinfra's connection to `target`: commands run as the config's user; `fresh`: each by its own login."""
        if target.host.is_local:
            return testinfra.get_host("local://")
        return testinfra.get_host(
            f"ssh://{target.name}",
            ssh_config=str(self._ssh_config),
            timeout=CONNECT_TIMEOUT,
            ssh_extra_args=FRESH if fresh else None,
        )

    def forward(self, target: Target, path: Path, address: str, port: int) -> list[str]:
        """The command that makes the socket `path` lead to ADDRESS:PORT as `target` reaches it, until close()."""
        self.to(target).run("true")  # the shared connection that carries it
        return ["ssh", "-F", str(self._ssh_config), "-O", "forward", "-L", f"{path}:{address}:{port}", target.name]

    def ask(self, target: Target, questions: Sequence[Probe]) -> dict[str, Answer]:
        """The answers of `target` by probe name, in as few round trips as can be; Unreachable when there are none."""
        found: dict[str, Answer] = {}
        for run_as in RunAs:
            mine = [probe for probe in questions if probe.run_as is run_as]
            for start in range(0, len(mine), BUNDLE):
                found |= self._ask(target, mine[start : start + BUNDLE], run_as)
        return found

    def _ask(self, target: Target, questions: Sequence[Probe], run_as: RunAs) -> dict[str, Answer]:
        command = probes.script(questions, as_root=run_as is RunAs.ROOT)
        try:
            result = self.to(target, fresh=run_as is RunAs.FRESH).run(command)
        except RuntimeError as error:  # testinfra's word for ssh's exit status 255
            raise Unreachable(self._why(target, error.args[0].stderr_bytes.decode(errors="replace"))) from None
        try:
            return probes.answers(questions, result.stdout_bytes)
        except ValueError as error:
            said = result.stderr_bytes.decode(errors="replace").strip().splitlines()
            raise Unreachable(self._why_mute(target, said[-1] if said else str(error))) from None

    def _why(self, target: Target, said: str) -> str:
        """One line on a failed login, out of what ssh said."""
        known_hosts = shown(target.cluster.known_hosts)
        where = f"{target.name} ({target.host.address})"
        if "HOST IDENTIFICATION HAS CHANGED" in said:
            return (
                f"{where}: its host key is not the one in {known_hosts}; if the machine was reinstalled, "
                f"run `ssh-keygen -f {known_hosts} -R {target.host.address}` and the deploy again"
            )
        if "Host key verification failed" in said:
            return f"{where}: its host key is not in {known_hosts}; run the deploy first: {target.deploy}"
        if "Permission denied" in said:
            return (
                f"{where}: login as {target.config.user} with {shown(target.cluster.identity)} refused; "
                f"run the deploy first: {target.deploy}"
            )
        last = (said.strip().splitlines() or ["ssh failed without a word"])[-1]
        return f"{where}: {last}; check that the machine is up, its address and its sshd"

    def _why_mute(self, target: Target, said: str) -> str:
        user = getpass.getuser() if target.host.is_local else target.config.user
        if "sudo" in said:
            return f"{target.name}: sudo without a password fails for {user} ({said}); run the deploy: {target.deploy}"
        return f"{target.name}: a command as {user} was cut short ({said})"
