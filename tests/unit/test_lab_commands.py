"""How the rehearsal, the tests and the benches run the project's commands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab import commands, folder
from lab.settings import PROJECT
from lab.shell import LabError

RESULTS = """\
--> Results:
    Operation                          Hosts   Success   Error   No Change
    Docker | Docker packages               2         2       -           -
    Time | The clock is synchronised       2         -       -           2
    Grand total                            4         2       -           2
"""


def test_a_command_is_heard_line_by_line_and_cannot_ask() -> None:
    heard: list[str] = []
    run = commands.run(
        ["sh", "-c", 'echo out; echo err >&2; echo "$WORD"; cat; exit 3'], heard.append, settings={"WORD": "set"}
    )
    assert (run.status, run.output) == (3, "out\nerr\nset\n")
    assert heard == ["out\n", "err\n", "set\n"]


def test_a_command_that_does_not_end_is_ended_with_what_it_said() -> None:
    with pytest.raises(LabError, match=r"(?s)did not end within 0 s:\nbefore"):
        commands.run(["sh", "-c", "echo before; exec sleep 60"], timeout=0.3)


def test_a_run_says_what_it_changed() -> None:
    run = commands.Run(0, RESULTS + "    [openpai-001] Success\n    [openpai-002] No changes\n")
    assert run.changed == 2
    assert run.changes() == ["Docker | Docker packages"]
    assert run.lines("openpai-001") == ["[openpai-001] Success"]
    with pytest.raises(LabError, match="no results:\nTraceback"):
        commands.Run(1, "Traceback").column(1)


def test_what_an_operation_said_is_there_without_the_host() -> None:
    run = commands.Run(
        0,
        "--> Starting operation: OpenPAI | How to get in \n"
        "    [openpai-001] Skipped\n    [dev-box]     portal: http://10.7.0.11\n    [dev-box]       indented\n"
        "    [dev-box]     No changes\n\n--> Results:\n    [dev-box]     other\n",
    )
    assert run.said("How to get in") == ["portal: http://10.7.0.11", "  indented"]


def test_the_commands_are_those_of_the_guide() -> None:
    lab: Any = SimpleNamespace(inventory="inventories/lab.py")
    assert commands.pyinfra(lab, "-y", output="")[1:] == ["inventories/lab.py", "deploy.py", "-y"]
    assert commands.pyinfra(lab, "-y")[3:] == ["--data", "output=raw", "-y"], "what Run takes apart"
    assert commands.verification(lab)[1:] == ["-m", "pytest", "-q", "tests/hosts", "--inventory", "inventories/lab.py"]


def test_a_labs_inventory_is_like_the_one_in_the_repository() -> None:
    """Moving `groups` once left those of all labs with names of their own behind."""
    own = folder.INVENTORY.format(name="mine").replace(" --name mine", "")
    assert own.splitlines()[1:] == (PROJECT / "inventories/lab.py").read_text().splitlines()[1:]
