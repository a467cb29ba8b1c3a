"""How a run ends: what it says of itself, its exit status, and the next command."""

from __future__ import annotations

from typing import Any

from pyinfra.api import State

from cluster.names import short as spans
from tasks.progress import plan
from tasks.progress.notes import notes
from tasks.progress.reasons import cause
from tasks.progress.record import FAILED, NOT_FINISHED, NOT_REACHED, WELL, Failure, Record
from tasks.progress.stages import titles

INTERRUPTED = 130


def sentences(state: State, record: Record, error: BaseException | None, given: dict[str, Any]) -> list[str]:
    """What the run says of itself; `record` gets its status, the states of its hosts, and the next command.

    `error` is what pyinfra ends with: SystemExit with its status, or what went wrong.
    """
    code = getattr(error, "code", 1)
    record.status = code if isinstance(code, int) else int(code is not None)
    said = []
    if record.dry and not record.status:
        said += _of_a_dry_run(state, record)
    # pyinfra's --no-wait forgets the hosts that failed. A function that ends a run itself knows better: preflight.check
    # may be told to pass over hosts that were not reached.
    if record.executed and not record.status and record.named(FAILED, NOT_REACHED):
        record.status = 1
    if record.status == INTERRUPTED:
        said.append("interrupted; run the same again: nothing is half done")
    elif isinstance(code, str):
        said.append(code)
    elif error is not None and not isinstance(error, SystemExit):
        said.append(_of_an_error(error))
    if record.status in (0, 1) and (state.is_executing or record.dry):
        for host in record.hosts.values():
            host.state = WELL if host.state == NOT_FINISHED else host.state
    record.next = _next(record, given)
    return said


def _of_a_dry_run(state: State, record: Record) -> list[str]:
    said = [plan.outlook(state)]
    forbidden = next(filter(None, (notes(host).forbidden for host in state.inventory)), "")
    if forbidden:
        record.status = 1
        said.append(f"a real run would stop: {forbidden}")
    stopping = [host for host in state.inventory if host in state.active_hosts and notes(host).stops]
    for host in stopping:
        found, op_hash = cause(notes(host).stops, []), notes(host).operation
        stage, title = titles(state, op_hash) if op_hash in state.op_meta else ("", "")
        ours = record.hosts[host.name]
        ours.state, ours.failure = FAILED, Failure(stage, title, found.reason, found.remedy, "")
    if stopping:
        record.status = 1
        said.append(f"a real run would stop on {spans(host.name for host in stopping)}")
    return said


def _of_an_error(error: BaseException) -> str:
    """A sentence; pyinfra wraps what it knows, with a message, and what nobody expected, with the exception."""
    unexpected = getattr(error, "exception", None)
    message = getattr(error, "message", None)
    if message == "No hosts remaining!":
        return "no host is left to go on with"
    if message:
        return str(message)
    return f"a fault of this program: {type(unexpected).__name__}: {unexpected}; please report it with the log"


def _next(record: Record, given: dict[str, Any]) -> str:
    same = f"pyinfra {given['inventory']} {' '.join(given['operations'])}"
    if not all(str(one).endswith(".py") for one in given["operations"]):
        return same if record.status else ""
    if record.status:
        return f"{same}{' --dry' * record.dry}"
    return same if record.dry else f"pytest tests/hosts --inventory {given['inventory']}"
