"""An operation that foreseen facts call for is worked out anew before its first command runs."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest

from tasks.reach import deciding


@pytest.fixture
def run(monkeypatch):
    """What an operation's commands come to while pyinfra executes, and how often it was worked out."""

    def of(operation, foreseen: bool, executing: bool = True) -> tuple[list[str], int]:
        times, open_ = [], [foreseen]

        def commands():
            times.append(1)
            yield from operation(len(times))

        def ask_afresh():
            was, open_[0] = open_[0], False
            return was

        monkeypatch.setattr(deciding, "host", SimpleNamespace(connector=SimpleNamespace(ask_afresh=ask_afresh)))
        monkeypatch.setattr(deciding, "state", SimpleNamespace(is_executing=executing))
        return list(deciding._anew(commands)()), len(times)

    return of


def test_what_was_foreseen_is_decided_again(run):
    """The container that started since keeps its Docker: the second working out yields something else, or nothing."""
    assert run(lambda time: ["restart"] if time == 1 else [], True) == ([], 2)
    assert run(lambda time: [f"{time}a", f"{time}b"], True) == (["2a", "2b"], 2)


def test_what_was_asked_afresh_is_decided_once(run):
    assert run(lambda time: ["a", "b"], False) == (["a", "b"], 1)


def test_what_changes_nothing_costs_nothing(run):
    assert run(lambda time: [], True) == ([], 1)


def test_a_plan_is_made_of_what_was_foreseen(run):
    assert run(lambda time: ["a"], True, executing=False) == (["a"], 1)


def test_a_connector_without_foresight_is_no_hindrance(run, monkeypatch):
    monkeypatch.setattr(deciding, "host", SimpleNamespace(connector=object()))
    monkeypatch.setattr(deciding, "state", SimpleNamespace(is_executing=True))
    assert list(deciding._anew(lambda: iter(["a"]))()) == ["a"]


def test_pyinfra_makes_its_operations_with_it():
    module = import_module("pyinfra.api.operation")
    assert module.StateOperationHostData is deciding._with_operation
    nested = [code for code in module._wrap_operation.__code__.co_consts if hasattr(code, "co_names")]
    assert any("StateOperationHostData" in code.co_names for code in nested), "pyinfra must still call it by this name"
