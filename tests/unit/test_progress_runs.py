"""Runs of the real `pyinfra` over fake hosts: what they show, how they end, and what they leave in reports/."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.fake_run import BROKEN, PASSWORD, ROOT, FakeRun, fake_run, report


@pytest.fixture(scope="module")
def one_fails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeRun, subprocess.CompletedProcess[str]]]:
    """A run of 20 hosts of which one fails, beside one that is left out."""
    run = fake_run(tmp_path_factory.mktemp("one"), workers=19, answers=BROKEN)
    yield run, run.run("-y", "--exclude", "@fake/openpai-019")
    shutil.rmtree(run.reports, ignore_errors=True)


def test_one_of_twenty_hosts_fails_and_the_last_25_lines_say_all(one_fails) -> None:
    run, done = one_fails
    assert done.returncode == 1
    last = "\n".join(done.stdout.splitlines()[-25:])
    for said in (
        "19 of 20 hosts well, 1 failed",
        "FAILED @fake/openpai-007: Docker, Docker packages",
        "why: E: Unable to fetch libc6",
        "do:  read the log",
        "log: /var/log/openpai-deploy/apt.log on @fake/openpai-007",
        f"log: reports/{run.name}/run.log",
        "well: @fake/dev-box, @fake/openpai-[001-006,008-018], @fake/openpai-master-01",
        "changed: 39 times on 19 hosts (Docker 38, OpenPAI 1)",
        "time: Connect ",
        f"next: pyinfra {run.inventory} {run.deploy}",
    ):
        assert said in last, done.stdout
    assert len(done.stdout.splitlines()) < 35, done.stdout
    assert "portal: http://10.2.0.10" in done.stdout, "what a task says is shown"


def test_deploy_json_has_the_run_by_host_and_stage(one_fails) -> None:
    run, _ = one_fails
    found = report(run)
    assert (found["kind"], found["cluster"], found["dry"], found["status"]) == ("deploy", run.name, False, 1)
    assert [stage["name"] for stage in found["stages"]] == ["Connect", "Plan", "Docker", "OpenPAI"]
    assert found["hosts"]["@fake/openpai-019"]["state"] == "left out"
    failed = found["hosts"]["@fake/openpai-007"]
    assert (failed["role"], failed["state"], failed["stages"]) == ("worker", "failed", {"Docker": "failed"})
    assert failed["failure"]["operation"] == "Docker packages"
    master = found["hosts"]["@fake/openpai-master-01"]
    assert (master["state"], master["stages"]) == ("well", {"Docker": "changed", "OpenPAI": "changed"})
    assert [each["operation"] for each in master["changed"]] == [
        "Docker packages", "Options in daemon.json", "How to get in",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o077 for path in (run.reports, *run.reports.iterdir())} == {0}


def test_a_dry_run_is_a_plan(made: Callable[..., FakeRun]) -> None:
    done = made().run("--dry", "--diff")
    assert done.returncode == 0
    assert done.stdout.count("+ new") == 1, "equal differences are shown once"
    assert re.search(r"all 18 workers:\n\s+Will modify /etc/settings\n", done.stdout), done.stdout
    assert "would change  Docker packages: all 20 hosts" in done.stdout
    outlook = "3 operations on 20 hosts would change; none would reboot; Docker restarts on none"
    assert outlook in done.stdout.splitlines()[-5:]


def test_a_dry_run_with_an_unmet_must_ends_with_1(made: Callable[..., FakeRun]) -> None:
    """A fake host has no snapshot to give."""
    run = made(workers=2)
    done = run.run("--dry", file="deploy.py")
    assert done.returncode == 1
    assert "a real run would stop: Preflight: 4 unmet on 4 host(s)" in done.stdout, done.stdout
    raw = run.run("--dry", "--data", "output=raw", file="deploy.py")
    assert raw.returncode == 1 and "--> Detected changes" in raw.stdout
    real = run.run("-y", file="deploy.py")
    assert real.returncode == 1 and "Preflight: 4 unmet on 4 host(s); no host was changed" in real.stdout
    assert "pyinfra error" not in real.stdout and " line " not in real.stdout, real.stdout


def test_a_host_that_would_stop_ends_a_dry_run_with_1(made: Callable[..., FakeRun]) -> None:
    run = made(workers=3)
    stopping = (
        "from pyinfra import host\nfrom pyinfra.api import deploy\nfrom tasks.reach import stop\n"
        "from tasks.reach.stop import refused\n\n@deploy('Docker')\ndef docker():\n"
        "    if host.data.address == '10.2.1.2':\n"
        "        refused(name='Fit', message='it is full; make room', cause='disk-var')\n\ndocker()\n"
    )
    run.deploy.write_text(stopping)
    for arguments, count, word in ((("--dry",), "1 would stop", "WOULD STOP"), (("-y",), "1 failed", "FAILED")):
        done = run.run(*arguments)
        assert done.returncode == 1
        for said in (count, f"{word} @fake/openpai-002: Docker, Fit", "why: it is full", "do:  make room [disk-var]"):
            assert said in done.stdout, done.stdout


def test_a_missing_inventory_file(made: Callable[..., FakeRun]) -> None:
    done = FakeRun(Path("inventories/nowhere.py"), ROOT / "deploy.py").run("-y")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("inventories/nowhere.py: there is no such inventory file in ")


@pytest.mark.parametrize("given", [("-y",), ("--dry",), ()])
def test_a_missing_inventory_file_outside_of_the_checkout(given: tuple[str, ...], tmp_path: Path) -> None:
    """pyinfra warns of it and goes on over no hosts; no file of ours is read but the connectors."""
    for file in (ROOT / "deploy.py", "tasks.preflight.check"):
        done = FakeRun(Path("nowhere.py"), Path(file)).run(*given, cwd=tmp_path)
        assert done.returncode == 1
        said = f"nowhere.py: there is no such inventory file in {tmp_path} [inventory-missing]"
        assert done.stdout.splitlines()[-1] == said


def test_other_peoples_operations_are_theirs(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").touch()
    done = FakeRun(Path("nowhere.py"), tmp_path / "theirs.py").run("-y", cwd=tmp_path)
    assert done.returncode == 0 and "no such inventory file" not in done.stdout


def test_a_limit_that_matches_no_host(made: Callable[..., FakeRun]) -> None:
    done = made().run("-y", "--limit", "openpai-99")
    assert done.returncode == 1
    assert "--limit openpai-99: no host of" in done.stdout.splitlines()[-1]
    assert "@fake/openpai-001" in done.stdout.splitlines()[-1]


def test_an_output_that_is_not_known(made: Callable[..., FakeRun]) -> None:
    done = made(workers=2).run("-y", "--data", "output=pretty")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        2, "--data output=pretty is not known; there are: raw, plain, live [data-value]",
    )  # fmt: skip


def test_started_in_another_directory(made: Callable[..., FakeRun], tmp_path: Path) -> None:
    run = made(workers=2)
    done = run.run("-y", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 of 4 hosts well" in done.stdout
    assert (run.reports / "deploy.json").exists()
    assert "next: pytest tests/hosts --inventory" in done.stdout


def test_raw_is_pyinfras_own_and_logged_all_the_same(made: Callable[..., FakeRun]) -> None:
    run = made(workers=2, answers=BROKEN)
    done = run.run("-y", "--data", "output=raw")
    assert "--> Results:" in done.stdout and "== Docker" not in done.stdout
    assert "Grand total" in (run.reports / "run.log").read_text()
    assert report(run)["status"] == 0


def test_logs_of_five_earlier_runs_are_kept(made: Callable[..., FakeRun]) -> None:
    run = made(workers=1)
    run.reports.mkdir()
    for number in range(1, 6):
        (run.reports / f"run.log.{number}").write_text(f"{number}\n")
    (run.reports / "run.log").write_text("0\n")
    run.run("--dry")
    assert [(run.reports / f"run.log.{number}").read_text() for number in range(1, 6)] == [f"{n}\n" for n in range(5)]
    assert not (run.reports / "run.log.6").exists()
    log = (run.reports / "run.log").read_text()
    assert "--> Detected changes:" in log and "dry run of 3 hosts" in log


def test_no_secret_is_shown_or_logged(made: Callable[..., FakeRun]) -> None:
    spilt = {"apt-get install": {"success": False, "stderr": [f"curl http://me:pass@mirror/ -u {PASSWORD}"]}}
    run = made(workers=2, answers={"openpai-002": spilt})
    for arguments in (("-y", "--debug"), ("-y", "--debug", "--data", "output=raw")):
        done = run.run(*arguments)
        assert done.returncode == 1
        for text in (done.stdout, *(path.read_text() for path in run.reports.iterdir())):
            assert PASSWORD not in text and ":pass@" not in text
    assert "***" in (run.reports / "deploy.json").read_text()


def test_chinese_names_are_shown_as_written(made: Callable[..., FakeRun]) -> None:
    run = made(workers=2)
    run.deploy.write_text(run.deploy.read_text().replace("Docker packages", "Docker 软件包"))
    assert "changed  Docker 软件包: all 4 hosts" in run.run("-y").stdout
    done = run.run("-y", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0 and "changed  Docker ???: all 4 hosts" in done.stdout, "a terminal that lacks the signs"
    for name in ("deploy.json", "run.log"):
        assert "Docker 软件包" in (run.reports / name).read_text()


def test_a_run_without_a_place_for_its_reports_goes_on(made: Callable[..., FakeRun]) -> None:
    run = made(workers=1)
    run.reports.parent.mkdir(exist_ok=True)
    run.reports.touch()
    try:
        done = run.run("-y")
    finally:
        run.reports.unlink()
    assert done.returncode == 0 and "3 of 3 hosts well" in done.stdout, done.stdout
    assert "this run has no log: " in done.stdout and "the report could not be written: " in done.stdout


def test_a_fault_of_ours_is_one_line_with_the_traceback_in_the_log(made: Callable[..., FakeRun]) -> None:
    run = made(workers=2)
    run.deploy.write_text("print(1 / 0)\n")
    done = run.run("-y")
    assert done.returncode == 1
    assert "a fault of this program: ZeroDivisionError: division by zero" in done.stdout
    assert "Traceback" not in done.stdout and "Traceback" in (run.reports / "run.log").read_text()


@pytest.mark.parametrize("way", ["--serial", "--no-wait"])
def test_hosts_that_go_their_own_ways(made: Callable[..., FakeRun], way: str) -> None:
    run = made(workers=7, answers=BROKEN)
    done = run.run("-y", way)
    assert done.returncode == 1
    assert "FAILED @fake/openpai-007: Docker, Docker packages" in done.stdout, done.stdout
    assert len(report(run)["hosts"]["@fake/openpai-master-01"]["changed"]) == 3
