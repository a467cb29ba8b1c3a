"""What one host of a run finds out for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from gevent.event import AsyncResult
from pyinfra.api import State

Made = TypeVar("Made")
_results: WeakKeyDictionary[State, dict[str, AsyncResult[Any]]] = WeakKeyDictionary()


def once(state: State, name: str, produce: Callable[[], Made]) -> tuple[Made, bool]:
    """What `produce` gives, made once a run under that name, and whether this call made it.

    pyinfra prepares all hosts at once. The first to come here does it for all of them and the others wait, so that none
    gets further before all are known.
    """
    made = _results.setdefault(state, {})
    if name in made:
        return cast(Made, made[name].get()), False
    result = made[name] = AsyncResult()
    try:
        found = produce()
    except BaseException as error:
        result.set_exception(error)
        raise
    result.set(found)
    return found, True
