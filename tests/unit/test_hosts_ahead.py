"""What the verification begins before its first test."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hosts.ahead import Ahead
from tests.hosts.connections import Connections
from tests.hosts.targets import Target


def asking(module: Any, *fixtures: str) -> Any:
    """A test of the module that asks for the fixtures."""
    return SimpleNamespace(module=module, fixturenames=fixtures)


def test_what_tests_ask_for_is_made_once_and_removed_in_the_end() -> None:
    made: list[str] = []

    def pods(stack: ExitStack, _: Connections, targets: tuple[Target, ...]) -> str:
        made.append("pods")
        stack.callback(made.append, "removed")
        return f"pods of {len(targets)}"

    def nobodys(*_: Any) -> None:
        made.append("nobody's")

    module = SimpleNamespace(AHEAD={"pods": pods, "nobodys": nobodys})
    ahead = Ahead()
    tests = [asking(module, "pods"), asking(module, "pods", "target"), asking(SimpleNamespace(), "target")]
    ahead.begin(tests, Connections(Path()), ())
    ahead.wait()
    assert ahead.get("pods") == "pods of 0" and made == ["pods"]
    ahead.close()
    assert made == ["pods", "removed"]


def test_a_failure_is_that_of_the_test_that_asks_and_what_cannot_be_removed_stays() -> None:
    def pods(stack: ExitStack, *_: Any) -> None:
        stack.callback(pytest.fail, "the API server does not answer any more")
        pytest.fail("no API server", pytrace=False)

    ahead = Ahead()
    ahead.begin([asking(SimpleNamespace(AHEAD={"pods": pods}), "pods")], Connections(Path()), ())
    ahead.wait()
    with pytest.raises(pytest.fail.Exception, match="no API server"):
        ahead.get("pods")
    ahead.close()
