"""What changes a host is decided by what it says then: an operation that foreseen facts call for is called again.

pyinfra works an operation out while it runs: facts are read up to the first command, and again for each host and stage.
Where facts were foreseen and a command follows from them, that command is not run: the host's foresight ends, and the
operation is worked out anew. So nothing is restarted, rebooted or written on the strength of an answer that is two
minutes old, and what changes nothing has cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from pyinfra import host, state
from pyinfra.api.state import StateOperationHostData


def _anew(commands: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    def decided() -> Iterator[Any]:
        working_out = commands()
        for command in working_out:
            ask_afresh = getattr(host.connector, "ask_afresh", None)
            if state.is_executing and ask_afresh and ask_afresh():
                working_out.close()  # type: ignore[attr-defined]
                yield from commands()
                return
            yield command

    return decided


def _with_operation(commands: Callable[[], Iterator[Any]], *more: Any) -> StateOperationHostData:
    return StateOperationHostData(_anew(commands), *more)


# pyinfra.api gives the decorator's name to the module's.
vars(import_module("pyinfra.api.operation")).update(StateOperationHostData=_with_operation)
