"""Drift: reports of dry runs, in a real folder, with a program in pyinfra's place."""

from __future__ import annotations

import fcntl
import json
import sys

import pytest

from tasks.drift import look, report
from tasks.drift.__main__ import main
from tests.unit.cluster_folder import CONFIG, lines_of, write


def plan(**hosts: list[str]) -> str:
    operations = [{"name": name.replace("_", " "), "hosts_with_change": found} for name, found in hosts.items()]
    return json.dumps({"plan": operations, "results": None})


def dry_run(printed: str, said: str = "--> Detected", status: int = 0) -> list[str]:
    """A program that ends as a dry run does."""
    return [sys.executable, "-c", f"import sys; print({printed!r}); sys.stderr.write({said!r}); sys.exit({status})"]


def newest(folder) -> str:
    return look.reports(folder)[-1].read_text()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Each look has a second of its own."""
    real, seconds = look.datetime, iter(range(60))

    class Clock(real):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz=None):
            return real(2026, 11, 26, 4, 0, next(seconds), tzinfo=tz)

    monkeypatch.setattr(look, "datetime", Clock)


def test_a_report_says_what_would_change_and_what_of_it_is_new(tmp_path):
    assert look.look(tmp_path, dry_run(plan(Docker=[], Time=[]))) == 0
    assert newest(tmp_path).startswith("2026-11-26 04:00:00 UTC: nothing would change\n\n--> Detected")
    look.look(tmp_path, dry_run(plan(Docker_settings=["w1", "w2"], Time=[])))
    look.look(tmp_path, dry_run(plan(Docker_settings=["w1", "w2"], Time=["w2"])))
    assert newest(tmp_path).splitlines()[:9] == [
        "2026-11-26 04:00:02 UTC: 3 changes on 2 hosts", "",
        "New since the report before:", "  w2: Time", "",
        "A deploy would change:", "  w1: Docker settings", "  w2: Docker settings", "  w2: Time",
    ]  # fmt: skip
    path = look.reports(tmp_path)[-1]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_last_thirty_are_kept(tmp_path):
    for _ in range(look.KEPT + 2):
        look.look(tmp_path, dry_run(plan()))
    names = [path.name for path in look.reports(tmp_path)]
    assert (len(names), names[0], names[-1]) == (30, "20261126T040002Z.txt", "20261126T040031Z.txt")


@pytest.mark.parametrize(("printed", "status"), [("", 1), ("", 0), (plan(), 2)])
def test_a_dry_run_that_fails_says_so_and_is_a_failure_of_the_timer(tmp_path, printed, status):
    assert look.look(tmp_path, dry_run(printed, "w1: no SSH connection", status)) == status
    assert newest(tmp_path) == f"2026-11-26 04:00:00 UTC: the dry run failed, status {status}\n\nw1: no SSH connection"


def test_no_dry_run_while_a_run_is_at_work(tmp_path, capsys):
    with (tmp_path / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert look.look(tmp_path, dry_run(plan())) == 0
    assert look.reports(tmp_path) == []
    assert "a run is at work" in capsys.readouterr().out
    look.look(tmp_path, dry_run(plan()))
    assert len(look.reports(tmp_path)) == 1


def test_changes_are_read_back_from_a_report():
    text = report.report("now", 0, plan(A=["h"]), "said\n\nmore")
    assert report.changes_in(text) == ["h: A"]
    assert report.changes_in("now: nothing would change\n\nsaid") == []


def test_a_schedule_needs_the_dev_box_here(tmp_path):
    folder = write(tmp_path, {"config.yaml": f"{CONFIG}dev_box: 10.9.9.9\ndrift_schedule: daily\n"})
    (line,) = [line for line in lines_of(folder) if "drift" in line]
    assert "dry runs are made where this folder is, which is not on the dev box 10.9.9.9" in line
    folder = write(tmp_path, {"config.yaml": f"{CONFIG}drift_schedule: Mon..Fri 06:00\n"})
    assert not [line for line in lines_of(folder) if "drift" in line]


def test_its_program_wants_one_folder(tmp_path, capsys):
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m tasks.drift FOLDER\n"
    (tmp_path / "run.lock").touch()
    with (tmp_path / "run.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main([str(tmp_path)]) == 0
