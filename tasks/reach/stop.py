"""Ending one host's run with a clear line.

pyinfra's OperationError raised while a run executes ends it for every host, with a traceback; a host that must not go
on is one host's affair.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, operation
from pyinfra.api.state import StateStage

from cluster import Problem


def planning() -> bool:
    """True while pyinfra works out what would change; what earlier operations will make is not there yet."""
    return state.current_stage == StateStage.Prepare


def stop(*messages: Problem | str) -> FunctionCommand:
    """A command to yield from an operation: says the messages and fails this host while the others go on.

    In a dry run the messages are shown as well, since nothing after them would run.
    """

    def say(state: Any, host: Any) -> bool:
        for message in messages:
            host.log_styled(str(message), fg="red", log_func=logger.error)
        return False

    if planning():
        for message in messages:
            host.log_styled(str(message), fg="yellow", log_func=logger.warning)
    return FunctionCommand(say, (), {})


@operation(is_idempotent=False)
def refused(message: str) -> Generator[Any]:
    """Stop this host with `message`."""
    yield stop(message)
