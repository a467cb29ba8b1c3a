"""What tasks.reach.quick_planning answers in place of Python's own is what pyinfra makes of those."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any, get_type_hints

from pyinfra.api import arguments, util

import tasks.reach

OURS = {"stack": util.stack, "getframeinfo": util.getframeinfo}
PYTHONS = {"stack": inspect.stack, "getframeinfo": inspect.getframeinfo}


def asked(monkeypatch, answering: dict[str, Any], deploy_file: str) -> tuple[list[int], str]:
    """The order of an operation called from here, and the place that an error would name, by `answering`."""
    for name, function in answering.items():
        monkeypatch.setattr(util, name, function)
    state: Any = SimpleNamespace(current_deploy_filename=deploy_file, current_op_file_number=0)
    return nested(lambda: util.get_operation_order_from_stack(state), 3), util.get_call_location(frame_offset=0)


def nested(function, depth: int):
    """Call `function` from so many calls within each other."""
    return nested(function, depth - 1) if depth else function()


def test_it_is_in_use_once_the_project_is_imported():
    assert tasks.reach.quick_planning
    assert all(function.__module__ == "tasks.reach.quick_planning" for function in OURS.values())


def test_operations_have_the_order_that_pyinfra_gives_them(monkeypatch):
    for deploy_file in (__file__, ""):
        (ours, place), (pythons, pythons_place) = [
            asked(monkeypatch, answering, deploy_file) for answering in (OURS, PYTHONS)
        ]
        assert ours == pythons and len(ours) > 3
        assert place == pythons_place and "test_quick_planning.py" in place


def test_global_arguments_are_pyinfras():
    assert arguments.all_global_arguments() == list(get_type_hints(arguments.AllArguments).items())
    assert arguments.all_global_arguments() is arguments.all_global_arguments()


def test_pyinfra_still_asks_by_these_names():
    """Should a version of pyinfra ask otherwise, the replacement would be without effect and nobody would know."""
    assert {"stack", "getframeinfo"} <= set(util.get_operation_order_from_stack.__code__.co_names)
    assert "all_global_arguments" in arguments.pop_global_arguments.__code__.co_names
