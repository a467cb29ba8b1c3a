"""One changing run at a time: a lock of the cluster folder, and one on the master for runs from elsewhere.

Both are flock's and held by something alive: this process, and a program on the master that ends with this run's
connection. So the lock of a run that died is gone with it, and none is ever judged by its age.
"""

from __future__ import annotations

import atexit
import fcntl
import getpass
import os
import socket
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import gevent
from gevent.event import Event
from pyinfra import logger
from pyinfra.api import Host

from cluster import Role
from cluster.problems import identified
from tasks.reach.script import script

LOCK = "run.lock"
ON_THE_MASTER = f"/run/openpai-deploy/{LOCK}"
# Tasks that change nothing; what is not named here is taken for one that does.
READING = frozenset({"tasks.preflight.check", "tasks.openpai.status", "tasks.drift.status"})
# Seconds for the master to say whether the lock is ours.
PATIENCE = 20
# How the master's answer begins where another run has its lock.
TAKEN = "taken by "
# What holds a lock lives as long as this process.
_kept: list[Any] = []
# Whose run this is, where it is one that may change hosts.
_runs: list[str] = []
# Set once it is known whose the master's lock is, or that the master will not say.
_decided = Event()
# By which the master knows an earlier connection of this run from another run.
_ID = uuid.uuid4().hex


def hold(folder: Path) -> None:
    """Take both locks for a pyinfra run that may change hosts of the cluster in `folder`; others need none.

    Ends the program with one line that names the other run where there is one. The master's is taken when the master
    is connected.
    """
    context = click.get_current_context(silent=True)
    if context is None or not changing(context.params):
        return
    whose = f"{_user()}@{socket.gethostname()}, pid {os.getpid()}, since {datetime.now(timezone.utc):%F %T} UTC"
    other = taken(folder / LOCK, whose)
    if other is not None:
        sys.exit(_refusal(folder.name, other))
    _runs.append(whose)
    atexit.register(_let_go)


def changing(params: dict[str, Any]) -> bool:
    """Whether a pyinfra command line, as click has read it, is of a run that may change hosts by our tasks."""
    if params.get("dry") or params.get("debug_facts") or params.get("debug_operations"):
        return False
    if params.get("json_output") and not params.get("yes"):
        return False
    first = next(iter(params.get("operations") or ()), "")
    return first.endswith(".py") or (first.startswith("tasks.") and first not in READING)


def taken(path: Path, whose: str) -> str | None:
    """Take the lock `path` for as long as this process lives; the line of the run that has it, where one has."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(handle, 4096, 0).decode("utf-8", "replace").strip()
        os.close(handle)
        return said
    os.ftruncate(handle, 0)
    os.write(handle, f"{whose}\n".encode())
    _kept.append(handle)
    return None


def _let_go() -> None:
    """Close what holds the master's lock while there is an interpreter left to do it."""
    for held in _kept:
        if not isinstance(held, int):
            held.kill()
    _kept.clear()


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _refusal(where: str, whose: str) -> str:
    said = f"{where}: another run is at work: {whose or 'it has only just begun'}; wait until it has ended"
    return identified(said, cause="run-under-way")


def await_master(host: Host) -> None:
    """Let the master be asked first: a run that must end says so at once, however many hosts there are."""
    if not _runs or host.data.role == Role.MASTER.value:
        return
    master = next((one for one in host.inventory if one.data.role == Role.MASTER.value), None)
    # Once is enough, for all hosts: an inventory of another order may have the master wait for their places.
    if master and host.state and host.state.is_host_in_limit(master) and not _decided.wait(PATIENCE):
        _decided.set()


def settled(host: Host) -> None:
    """Hold the others no longer, where `host` is the master: it was reached, or was not."""
    if _runs and host.data.role == Role.MASTER.value:
        _decided.set()


def reached(host: Host) -> None:
    """Take the master's lock, where `host` is the master and this run needs it; after a reboot of it, too."""
    if not _runs or host.data.role != Role.MASTER.value:
        return
    whose = _runs[-1]
    connector: Any = host.connector
    try:
        with gevent.Timeout(PATIENCE, OSError(f"no answer within {PATIENCE} s")):
            held, said = connector.kept_open(script("reach/hold.sh", ON_THE_MASTER, _ID), f"{whose} ({_ID})", 1)
    except OSError as error:
        held, said = None, [str(error)]
    answer = "".join(said)
    if answer == "held":
        _kept.append(held)
    elif answer.startswith(TAKEN):
        where = f"{Path(host.data.cluster_folder).name}, {host.name}"
        sys.exit(_refusal(where, answer.removeprefix(TAKEN).rpartition(" (")[0]))
    else:
        # Whatever keeps it from being a host of this cluster, preflight says.
        why = answer or "it gave no answer"
        host.log(f"the master's lock was not taken ({why}): a run from elsewhere goes unseen", logger.warning)
