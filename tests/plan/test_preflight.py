"""The gate at the head of deploy.py, on fake hosts that answer like captured ones."""

import io
import json
import re
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from pyinfra.api.exceptions import PyinfraError

from tests.plan.conftest import make_folder, planned

CAPTURED = Path(__file__).parent.parent / "unit/data/snapshots"
# The captured worker's name and address are not the guide's, so it falls short as each of the guide's workers.
ANSWER = {"@@@ start": (CAPTURED / "worker-bookworm.txt").read_text().splitlines()}
HOSTS = [f"openpai-{number:03}" for number in range(1, 5)]


def test_an_unmet_must_ends_the_run_while_it_is_planned(folder, capsys, reports):
    with (
        pytest.raises(PyinfraError, match=r"unmet on \d+ host\(s\); no host was changed"),
        planned(folder, "deploy.py", {name: ANSWER for name in HOSTS}),
    ):
        pass
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("REQUIREMENT") == 1
    assert (reports / "plan/index.html").is_file()
    written = json.loads((reports / "plan/preflight.json").read_text())
    assert (written["kind"], written["cluster"], written["met"]) == ("preflight", "plan", False)
    # The same of three of them (the captured worker was an openpai-003): one row, in the table and in the report.
    assert [cause["hosts"] for cause in written["causes"] if cause["requirement"] == "hostname"] == [
        ["openpai-001", "openpai-002", "openpai-004"]
    ]
    assert len(re.findall(r"^openpai-\[001-002,004\] +must +hostname ", said.err, re.M)) == 1


def test_the_way_to_go_on_without_unfit_workers_is_named(folder):
    with (
        pytest.raises(PyinfraError, match=r"without openpai-001: .* deploy.py --data leave_out=unfit"),
        planned(folder, "deploy.py", {"openpai-001": ANSWER}),
    ):
        pass


def test_unfit_workers_are_left_out_at_the_operators_word(folder, monkeypatch):
    last = []
    monkeypatch.setattr("atexit.register", lambda _, line, err: last.append(line))
    with planned(folder, "deploy.py", {"openpai-001": ANSWER}, leave_out="unfit") as plan:
        assert plan.all_operations("@fake/openpai-001") == []
        assert "Docker | Docker's package source" in plan.operations("@fake/openpai-002")
        assert [host.name for host in plan.state.failed_hosts] == ["@fake/openpai-001"]
    assert last == ["Left out, as unfit: openpai-001; see the preflight above"]


def test_an_unfit_master_is_never_left_out(folder):
    with (
        pytest.raises(PyinfraError, match=r"no host was changed \[preflight-unmet\]$"),
        planned(folder, "deploy.py", {"openpai-master-01": ANSWER}, leave_out="unfit"),
    ):
        pass


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """The plan of a dry run, to be looked at, and what it said on standard error."""
    folder, said = make_folder(tmp_path_factory.mktemp("plan")), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(said):
        patch.setattr(sys, "argv", ["pyinfra", "--dry"])
        with planned(folder, "deploy.py", {name: ANSWER for name in HOSTS}) as plan:
            return plan, said.getvalue()


def test_a_dry_run_goes_on(dry_run):
    plan, said = dry_run
    assert "Docker | Docker's package source" in plan.operations("@fake/openpai-001")
    assert said.count("REQUIREMENT") == 1


def test_each_host_is_asked_once(dry_run):
    plan, _ = dry_run
    for name in HOSTS:
        assert sum("@@@ start" in command for command in plan.commands(f"@fake/{name}")) == 1
