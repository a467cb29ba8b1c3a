"""Ending one host's run with a clear line.

pyinfra's OperationError raised while a run executes ends it for every host, with a traceback; a host that must not go
on is one host's affair.
"""

from __future__ import annotations

from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand
from pyinfra.api.state import StateStage


def stop(message: str) -> FunctionCommand:
    """A command to yield from an operation: says `message` and fails this host while the others go on.

    In a dry run the message is shown as well, since nothing after it would run.
    """

    def say(state: Any, host: Any) -> bool:
        host.log_styled(message, fg="red", log_func=logger.error)
        return False

    if state.current_stage == StateStage.Prepare:
        host.log_styled(message, fg="yellow", log_func=logger.warning)
    return FunctionCommand(say, (), {})
