"""One changing run at a time: the locks, held and let go by real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tasks.reach import one_run, script
from tests.unit.cluster_folder import write

ROOT = Path(__file__).parent.parent.parent
HOLDER = (
    "import sys, pathlib\nfrom tasks.reach import one_run\n"
    "print(one_run.taken(pathlib.Path(sys.argv[1]), 'alice@box, pid 7, since then'), flush=True)\nsys.stdin.read()\n"
)


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that has the lock of a folder until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "None\n"
    return process


def test_the_folders_lock_names_its_holder_and_is_gone_with_it(tmp_path):
    path = tmp_path / one_run.LOCK
    with holder(path) as process:
        assert one_run.taken(path, "bob") == "alice@box, pid 7, since then"
        process.kill()
    assert one_run.taken(path, "bob") is None
    assert path.read_text() == "bob\n"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("file", ["deploy.py", "tasks.kubernetes.snapshot"])
def test_a_second_run_ends_with_one_line(tmp_path, file):
    folder = tmp_path / "prod"
    folder.mkdir()
    write(folder, {})
    inventory = folder.with_suffix(".py")
    inventory.write_text("from tasks.reach import groups\n\ndev_box, master, worker = groups(__file__)\n")
    with holder(folder / one_run.LOCK) as process:
        command = [Path(sys.executable).parent / "pyinfra", inventory, file, "-y"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        process.kill()
    assert done.returncode == 1
    wanted = "prod: another run is at work: alice@box, pid 7, since then; wait until it has ended [run-under-way]"
    assert [line for line in done.stderr.splitlines() if line and not line.startswith("-->")] == [wanted]


@pytest.mark.parametrize(
    ("params", "changing"),
    [
        ({"operations": ("deploy.py",)}, True),
        ({"operations": ("deploy.py",), "dry": True}, False),
        ({"operations": ("deploy.py",), "json_output": True}, False),
        ({"operations": ("deploy.py",), "json_output": True, "yes": True}, True),
        ({"operations": ("deploy.py",), "debug_operations": True}, False),
        ({"operations": ("tasks.openpai.stop",)}, True),
        ({"operations": ("tasks.openpai.status",)}, False),
        ({"operations": ("tasks.preflight.check",)}, False),
        ({"operations": ("fact", "server.Os")}, False),
        ({"operations": ("debug-inventory",)}, False),
        ({"operations": ("exec", "--", "uptime")}, False),
    ],
)
def test_only_runs_that_change_hosts_take_the_lock(params, changing):
    assert one_run.changing(params) is changing


def test_the_tasks_that_only_read_are_there():
    for name in one_run.READING:
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function))


def on_master(lock: Path, run: str) -> subprocess.Popen[str]:
    """The program that holds the master's lock, given its line."""
    command = script("reach/hold.sh", str(lock), run).get_raw_value()
    process = subprocess.Popen(["sh", "-c", command], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"{run}'s people, since then ({run})\n")
    process.stdin.flush()
    return process


def ended(process: subprocess.Popen[str]) -> None:
    """Its connection ends."""
    assert process.stdin is not None
    process.stdin.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_masters_lock_lasts_as_long_as_the_connection(tmp_path):
    lock = tmp_path / "new folder/run.lock"
    with on_master(lock, "first") as first:
        assert said(first) == "held\n"
        assert (lock.stat().st_mode & 0o777, lock.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        with on_master(lock, "second") as second:
            assert said(second) == "taken by first's people, since then (first)\n"
            assert second.wait() == 1
        # The connection ends; whatever else of the run is left.
        ended(first)
        assert first.wait() == 0
    with on_master(lock, "second") as second:
        assert said(second) == "held\n"
        ended(second)


def test_a_run_that_connects_again_waits_for_its_own_old_connection(tmp_path):
    lock = tmp_path / "run.lock"
    with on_master(lock, "same") as first:
        assert said(first) == "held\n"
        with on_master(lock, "same") as again:
            began = time.monotonic()
            ended(first)
            assert said(again) == "held\n"
            assert time.monotonic() - began < 10
            ended(again)


class Master:
    """A master whose program says `answer`."""

    name = "openpai-master-01"

    def __init__(self, answer: Any, role: str = "master"):
        self.data = SimpleNamespace(role=role, cluster_folder="/somewhere/prod")
        self.connector, self.answer = self, answer
        self.said: list[str] = []
        self.asked: list[str] = []

    def kept_open(self, command, line, wanted):
        self.asked.append(line)
        if isinstance(self.answer, Exception):
            raise self.answer
        return "a running command", self.answer

    def log(self, message, how):
        self.said.append(message)


@pytest.fixture
def run_of_ours(monkeypatch):
    monkeypatch.setattr(one_run, "_runs", ["bob@box, pid 8, since then"])
    monkeypatch.setattr(one_run, "_kept", [])


def test_a_run_that_reaches_the_master_holds_its_lock_or_ends_with_one_line(run_of_ours):
    free = Master(["held"])
    one_run.reached(cast(Any, free))
    assert (one_run._kept, free.said) == (["a running command"], [])
    assert free.asked == [f"bob@box, pid 8, since then ({one_run._ID})"]
    with pytest.raises(SystemExit) as ended:
        one_run.reached(cast(Any, Master(["taken by alice@box (Old), pid 7, since then (id)"])))
    assert str(ended.value) == (
        "prod, openpai-master-01: another run is at work: alice@box (Old), pid 7, since then; wait until it has ended "
        "[run-under-way]"
    )


@pytest.mark.parametrize("answer", [[], ["sudo: a password is required"], OSError("the connection was lost")])
def test_a_master_that_cannot_say_is_for_preflight_to_judge(run_of_ours, answer):
    master = Master(answer)
    one_run.reached(cast(Any, master))
    assert len(master.said) == 1 and "a run from elsewhere goes unseen" in master.said[0]


def test_workers_and_runs_that_only_read_are_not_asked(monkeypatch, run_of_ours):
    worker = Master(["held"], "worker")
    one_run.reached(cast(Any, worker))
    monkeypatch.setattr(one_run, "_runs", [])
    master = Master(["held"])
    one_run.reached(cast(Any, master))
    assert worker.asked == master.asked == []
