"""What the benches say of their figures, and hosts that repeat what others have said."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from bench import results
from bench.fleet.recording import Saying, program
from bench.results import Results, Row, between
from bench.running import Cost, in_turn, timed
from lab.shell import LabError

SNAPSHOT = "\n@@@ start\n1000\n@@@ os\nID=debian\n@@@ peers\n10.0.0.9:22 ok\n\n@@@ urls\nx 200\n@@@ end\n2000\n"


def row(case: str = "run", hosts: int = 3) -> Row:
    now, other = [Cost(2.0, 1.0, 80), Cost(4.0, 1.2, 90)], [Cost(20.0, 9.0, 70), Cost(80.0, 9.0, 70)]
    return Row(case, hosts, {"now": now, "Ansible": other})


def said_by(sayings: list[Saying], tmp_path: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """What a host with `sayings` answers to sh with these arguments."""
    script = tmp_path / "sh"
    script.write_text(program(sayings, ["10.0.0.1:22", "10.0.0.2:22"]))
    return subprocess.run(["dash", script, *argv], input="password\n", capture_output=True, text=True)


def test_ratios_are_those_of_runs_side_by_side():
    assert row().ratio("Ansible") == 15.0 and row().seconds("now") == 3.0
    assert row().ratio("now") == 1.0


def test_the_results_go_between_their_marks_and_into_files(tmp_path, monkeypatch):
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- hosts: begin -->\nold\n<!-- hosts: end -->\nafter\n")
    monkeypatch.setattr(results, "DOCUMENT", document)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "measured")
    Results("hosts", {"ansible-core": "2.19"}, [row(hosts=3), row(hosts=10)]).write()
    lines = document.read_text().splitlines()
    assert lines[0] == "before" and lines[-1] == "after" and "old" not in lines
    assert "| run | 10 | 3.0 | 15.0 x | 1.1 | 90 |" in lines
    figures = json.loads((tmp_path / "measured/hosts.json").read_text())
    assert figures["rows"][1]["costs"]["Ansible"][1] == {"seconds": 80.0, "cpu": 9.0, "memory": 70}
    assert "<svg" in (tmp_path / "measured/hosts.svg").read_text()


def test_a_document_without_marks_is_not_written_to():
    with pytest.raises(ValueError, match="hosts: begin"):
        between("text", "hosts", "table")


def test_the_cost_of_a_command_is_its_own_and_that_of_what_it_starts():
    cost, said = timed(["sh", "-c", "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; sleep 0.2; echo done"])
    assert said == "done\n"
    assert cost.cpu > 0.02 and cost.seconds > 0.2 and cost.memory > 0
    with pytest.raises(LabError, match=r"exit status 3\nno$"):
        timed(["sh", "-c", "printf no; exit 3"])


def test_sides_take_turns_after_a_run_that_does_not_count(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    runs: list[str] = []

    def run(name: str) -> Cost:
        runs.append(name)
        return Cost(float(len(runs)), 0.0, 0)

    costs = in_turn({name: lambda name=name: run(name) for name in "ab"}, 2, lambda _: None)  # type: ignore[misc]
    assert "".join(runs) == "ababab"
    assert [cost.seconds for cost in costs["b"]] == [4.0, 6.0]


def test_a_host_repeats_what_was_recorded_and_does_the_rest(tmp_path):
    text = "section() { printf '\\n@@ %s\\n' \"$1\"; }\n*) section `it`"
    one = Saying(text, "it's\n$HOME \\n *\n", "no\n", 4)
    done = said_by([one, Saying("true", "", "", 0)], tmp_path, "-c", text)
    assert (done.stdout, done.stderr, done.returncode) == (one.stdout, one.stderr, 4)
    assert said_by([one], tmp_path, "-c", "echo $((1+1))").stdout == "2\n"
    assert said_by([one], tmp_path, "-c", 'echo "$1"', "sh", "word").stdout == "word\n"


def test_a_host_repeats_preflights_snapshot_at_its_own_time_with_its_own_peers(tmp_path):
    began = int(time.time() * 1000)
    said = said_by([Saying("date; program=$(cat)", SNAPSHOT, "", 0)], tmp_path, "-c", "date; program=$(cat)").stdout
    lines = said.splitlines()
    assert began <= int(lines[2]) <= int(lines[-1]) <= time.time() * 1000
    assert lines[lines.index("@@@ peers") + 1 :][:3] == ["10.0.0.1:22 ok", "10.0.0.2:22 ok", ""]
    assert "10.0.0.9" not in said and "@@@ urls\nx 200\n" in said


def test_another_host_says_it_under_its_own_name_and_address():
    one = Saying("get node openpai-001", "openpai-001 10.0.0.1 10.0.0.12 10.0.0.1:22 xopenpai-001 10.0.0.1.", "", 0)
    other = one.replaced({"openpai-001": "openpai-300", "10.0.0.1": "10.0.1.44", "10.0.0.12": "10.0.0.1"})
    assert other.command == "get node openpai-300"
    assert other.stdout == "openpai-300 10.0.1.44 10.0.0.1 10.0.1.44:22 xopenpai-001 10.0.1.44."
