"""Ending one host's run with a clear line.

pyinfra's OperationError raised while a run executes ends it for every host, with a traceback; a host that must not go
on is one host's affair.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, overload
from weakref import WeakKeyDictionary

import gevent
from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, Host, State, operation
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host

from cluster import Problem
from cluster.problems import identified
from tasks.progress import notes, would_stop

# What is said in place of running a command where given_up().
GIVEN_UP = identified(
    "not run: the host has failed, and what the operation would do next rests on a fact that is not known",
    cause="host-failed",
)

# What ends a run, "No hosts remaining!", is raised where one host is at work. pyinfra says it in one line; gevent would
# print its traceback before.
gevent.get_hub().NOT_ERROR += (PyinfraError,)


_said: WeakKeyDictionary[State, dict[str, str]] = WeakKeyDictionary()


def planning() -> bool:
    """True while pyinfra works out what would change; what earlier operations will make is not there yet."""
    return state.current_stage == StateStage.Prepare


@overload
def stop(*problems: Problem) -> FunctionCommand: ...


@overload
def stop(*sentences: str, cause: str) -> FunctionCommand: ...


def stop(*messages: Problem | str, cause: str = "") -> FunctionCommand:
    """A command to yield from an operation: says the messages and fails this host while the others go on.

    `cause` is the identifier of sentences ("what was found; what to do"); Problems have their own. In a dry run the
    messages are shown as well, since nothing after them would run. Of a host that has failed already they would be
    untrue: they rest on facts that are not known.
    """

    said = [one if isinstance(one, Problem) else identified(one, cause=cause) for one in messages]

    def say(state: Any, host: Any) -> bool:
        for message in () if given_up(state, host) else said:
            notes(host).stops.append(message)
            _complain(state, host, str(message))
        return False

    if planning() and host not in state.failed_hosts:
        would_stop(host, *said)
        for message in said:
            host.log_styled(str(message), fg="yellow", log_func=logger.warning)
    return FunctionCommand(say, (), {})


def complain(state: State, host: Host, message: str, *, cause: str) -> bool:
    """Say why `host` fails, and keep it for why(); false, as a FunctionCommand's that fails. `cause` as in stop()."""
    return _complain(state, host, identified(message, cause=cause))


def _complain(state: State, host: Host, message: str) -> bool:
    host.log_styled(message, fg="red", log_func=logger.error)
    _said.setdefault(state, {})[host.name] = message
    return False


def why(state: State, host: Host) -> str:
    """Why `host` failed in this run: its last complaint, or the operation that failed and what that said."""
    said = _said.get(state, {}).get(host.name)
    if said:
        return said
    for op in reversed(state.get_op_order()):
        data = state.ops[host].get(op)
        if data and data.operation_meta.is_complete() and data.operation_meta.did_error():
            lines = [line for line in data.operation_meta.stderr_lines if line.strip()]
            return f"`{sorted(state.get_op_meta(op).names)[0]}` failed{f' ({lines[-1].strip()})' if lines else ''}"
    return "see above"


def given_up(state: State, of: Host) -> bool:
    """True in an operation of the host `of` that has failed already: a fact of it could not be read.

    pyinfra would go on with the fact's default value and, say, write a file anew that it could not see.
    """
    return state.is_executing and of in state.failed_hosts and ctx_host.get() is of


@operation(is_idempotent=False)
def refused(message: str, cause: str) -> Generator[Any]:
    """Stop this host with `message`; `cause` is its identifier."""
    yield stop(message, cause=cause)
