"""The floor: one SSH connection and one command a host, which runs every probe of a run that changes nothing.

    python -m bench.floor CLUSTER_FOLDER HOST...

asks hosts that a run has asked before, all at once, and throws the answers away.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from pyinfra.api import StringCommand
from pyinfra.connectors.util import make_unix_command

from cluster import Cluster, Host, load
from lab.shell import LabError
from tasks.preflight.facts import HostSnapshot
from tasks.preflight.snapshot import BUNDLED
from tasks.preflight.survey import questions
from tasks.reach import together
from tasks.reach.foresight import FOLDER

AT_ONCE = 40
"""Connections; pyinfra has as many on two processors."""


def argv(folder: Path, names: list[str]) -> list[str | Path]:
    """The command that asks the hosts `names` of the cluster folder."""
    return [sys.executable, "-m", "bench.floor", folder, *names]


def program(cluster: Cluster, host: Host) -> bytes:
    """Preflight's probes, then what the last run noted for the host and they have not answered, for root's shell."""
    noted = json.loads((cluster.folder / FOLDER / f"{host.name}.json").read_text())
    snapshot = f"sh -c {shlex.quote(str(HostSnapshot().command()))} <<'@@END'"
    told = {make_unix_command(StringCommand(fact().command())).get_raw_value() for fact in BUNDLED.values()}
    asked = [command for command in (*noted["root"], *noted["user"]) if command not in told]
    facts = [f"( {command}\n) </dev/null" for command in together.questions(asked)]
    return "\n".join([snapshot, questions(cluster, host).read().decode(), "@@END", *facts, ""]).encode()


async def _ask(cluster: Cluster, host: Host, turn: asyncio.Semaphore) -> None:
    options = {"BatchMode": "yes", "ControlPath": "none", "UserKnownHostsFile": cluster.known_hosts}
    words = [f"-o{name}={value}" for name, value in options.items()]
    login = f"{cluster.config.user}@{host.address}"
    async with turn:
        ssh = await asyncio.create_subprocess_exec(
            "ssh", *words, "-i", cluster.identity, login, "sudo -n sh", stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        output, _ = await ssh.communicate(program(cluster, host))
    if not output.rstrip():
        raise LabError(f"{host.name}: no answer")


async def _ask_all(cluster: Cluster, names: list[str]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_ask(cluster, host, turn) for host in cluster.hosts if host.name in names))


if __name__ == "__main__":
    asyncio.run(_ask_all(load(Path(sys.argv[1])), sys.argv[2:]))
