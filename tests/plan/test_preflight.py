"""The gate at the head of deploy.py, on fake hosts that answer like captured ones."""

import sys
from pathlib import Path

import pytest
from pyinfra.api.exceptions import PyinfraError

from tests.plan.conftest import planned

CAPTURED = Path(__file__).parent.parent / "unit/data/snapshots"
# The captured worker's name and address are not the guide's, so it falls short as each of the guide's workers.
ANSWER = {"@@@ start": (CAPTURED / "worker-bookworm.txt").read_text().splitlines()}
HOSTS = [f"openpai-{number:03}" for number in range(1, 5)]


def test_an_unmet_must_ends_the_run_while_it_is_planned(folder, capsys):
    with (
        pytest.raises(PyinfraError, match=r"unmet on \d+ host\(s\); no host was changed"),
        planned(folder, "deploy.py", {name: ANSWER for name in HOSTS}),
    ):
        pass
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("REQUIREMENT") == 1


def test_a_dry_run_goes_on(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pyinfra", "--dry"])
    with planned(folder, "deploy.py", {name: ANSWER for name in HOSTS}) as plan:
        assert "Docker | Docker's package source" in plan.operations("@fake/openpai-001")
    assert capsys.readouterr().err.count("REQUIREMENT") == 1


def test_each_host_is_asked_once(folder, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pyinfra", "--dry"])
    with planned(folder, "deploy.py", {name: ANSWER for name in HOSTS}) as plan:
        for name in HOSTS:
            assert sum("@@@ start" in command for command in plan.commands(f"@fake/{name}")) == 1
