"""The timer of dry runs: on the dev box that pyinfra runs on, and gone when nobody wants it."""

import getpass
import sys

import pytest

from tasks import drift
from tests.plan.conftest import ROOT, planned
from tests.plan.test_kubernetes import DEV_BOX, MASTER, titles
from tests.sections import sections

TIMER = "openpai-drift-plan.timer"


def test_a_schedule_makes_a_timer_on_the_dev_box_alone(folder, monkeypatch):
    written = {}
    monkeypatch.setattr("tasks.drift.deploy.put", lambda name, content, dest: written.update({dest: content}))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("dev_box: 10.2.0.1", "drift_schedule: Mon..Fri 06:00"))
    with planned(folder, drift.install) as plan:
        assert titles(plan.operations(DEV_BOX)) == ["Dry runs by a timer"]
        assert plan.all_operations(MASTER) == []
        assert f"systemctl enable {TIMER}" in plan.texts()
    service, timer = (written[f"/etc/systemd/system/openpai-drift-plan.{kind}"] for kind in ("service", "timer"))
    assert f'ExecStart="{sys.executable}" -m tasks.drift "{folder}"\n' in service
    assert f"User={getpass.getuser()}\nWorkingDirectory={ROOT}\n" in service
    assert "OnCalendar=Mon..Fri 06:00\n" in timer


def shown(folder, capsys):
    """What `tasks.drift.status` prints, with which it ends the run."""
    with pytest.raises(SystemExit) as ended, planned(folder, drift.status):
        pass
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_outcomes_are_shown_and_the_last_report_whole(folder, capsys):
    """One line for each report that is kept."""
    assert "no report of a dry run yet; see drift_schedule" in shown(folder, capsys)
    kept = folder / "drift"
    kept.mkdir()
    for day, said in (("01", "nothing would change"), ("02", "1 operation would change")):
        (kept / f"2026-12-{day}T060000Z.txt").write_text(f"2026-12-{day}: {said}\nthe plan of {day}\n")
    said = shown(folder, capsys)
    assert "2026-12-01: nothing would change\n2026-12-02: 1 operation would change\nthe plan of 02\n" in said
    assert "the plan of 01" not in said


def test_without_a_schedule_there_is_none_and_a_former_one_goes(folder):
    with planned(folder, drift.install) as plan:
        assert plan.operations(DEV_BOX) == []
    state = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nActiveEnterTimestampMonotonic=5000000"
    there = {"NeedDaemonReload": sections(unit=state, clock="1795634101.0\n500.5", changed="1795634001.0")}
    with planned(folder, drift.install, {"dev-box": there}) as plan:
        texts = list(plan.texts())
    assert f"systemctl disable --now {TIMER}" in texts
    assert [text for text in texts if text.startswith("rm -f") and TIMER in text]
