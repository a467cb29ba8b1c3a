"""Which fact a command is run for, and how long its answer holds: what the connectors cannot see by themselves.

pyinfra runs a fact's command as it runs an operation's; its one function for it is wrapped here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from typing import Any

from pyinfra.api import facts


class Holds(Enum):
    """How long the answer to a fact's command may stand for asking again."""

    UNTIL_THE_HOST_CHANGES = "host"
    UNTIL_A_HOST_CHANGES = "cluster"
    """It rests on what other hosts do: what the API server says of a node."""
    NOT = "never"
    """It rests on time, is asked again and again until it changes, or only where a change follows."""


_asking: ContextVar[type | None] = ContextVar("asking", default=None)


def asking() -> Holds | None:
    """How long the answer holds for which the present command is run; None of a command that is no fact's."""
    fact = _asking.get()
    return None if fact is None else getattr(fact, "holds", Holds.UNTIL_THE_HOST_CHANGES)


def _noted(get_fact: Callable[..., Any]) -> Callable[..., Any]:
    def noted(state: Any, host: Any, cls: type, *arguments: Any, **more: Any) -> Any:
        token = _asking.set(cls)
        try:
            return get_fact(state, host, cls, *arguments, **more)
        finally:
            _asking.reset(token)

    return noted


vars(facts).update(_get_fact=_noted(facts._get_fact))
