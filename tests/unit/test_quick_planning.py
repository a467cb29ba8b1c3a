"""What tasks.reach.quick_planning answers in place of Python's own is what pyinfra makes of those."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any, get_type_hints

from pyinfra.api import Config, Inventory, State, arguments, util

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
    assert {"all_global_arguments", "getattr"} <= set(arguments.pop_global_arguments.__code__.co_names)


def test_hosts_data_overrule_global_arguments_as_pyinfra_has_it(monkeypatch):
    """From whichever layer of a host's data they come, also those that change in the middle of a run."""
    groups = {"masters": (["one"], {"_sudo_user": "group", "_env": {"A": "group"}})}
    inventory = Inventory((["one", "two"], {"_retries": 7}), override_data={"_retry_delay": 3}, **groups)
    state = State(inventory, Config(SUDO=True))

    def popped(name: str) -> list[Any]:
        host = inventory.get_host(name)
        found = [arguments.pop_global_arguments(state, host, {"_sudo": False, "other": 1})]
        host.data._shell_executable = "bash"
        found.append(arguments.pop_global_arguments(state, host, {}))
        with host.deploy("A deploy", None, {"_chdir": "/deploy"}):
            found.append(arguments.pop_global_arguments(state, host, {}))
        del host.data.override_datas["_shell_executable"]
        return found

    ours = popped("one"), popped("two")
    monkeypatch.delitem(vars(arguments), "getattr")
    assert ours == (popped("one"), popped("two"))
    first, second, third = (one for one, _ in ours[0])
    assert (first["_sudo"], first["_retries"], first["_retry_delay"], first["_sudo_user"]) == (False, 7, 3, "group")
    assert (second["_shell_executable"], third["_chdir"]) == ("bash", "/deploy")
