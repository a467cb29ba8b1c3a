"""What is said while a run works: long waits, what many hosts say alike, and pyinfra's own words kept away."""

from contextlib import contextmanager

import pytest
from pyinfra import host, logger
from pyinfra.api import FunctionCommand, deploy, operation

from tasks.progress import watcher
from tasks.progress.heard import Listener
from tasks.progress.record import HostRecord, Record
from tasks.progress.screen import Plain
from tasks.reach import detached
from tests.plan.conftest import planned


class Screen(Plain):
    """Keeps its lines."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def line(self, text, style=""):
        self.lines.append(text.strip())


@operation()
def packages():
    yield detached.command("apt", "apt-get install")


@operation()
def talkative():
    def speak(state, host):
        host.log("rebooting: nouveau is loaded")
        host.log("12 s  still waiting")
        return True

    yield FunctionCommand(speak, (), {})


@deploy("Docker")
def docker():
    packages(name="Packages")
    talkative(name="Words")


@contextmanager
def watched(folder, what, **given):
    """The lines of a screen, and every line of the log, of a run on the plan's six fake hosts."""
    with planned(folder, what, **given) as plan:
        log: list[str] = []
        screen, record = Screen(), Record("plan", dry=False)
        record.hosts = {one.name: HostRecord(one.data.role) for one in plan.state.inventory}
        ours = watcher.Watcher(plan.state, record, screen, "run.log")
        plan.state.add_callback_handler(ours)
        handler, level = Listener(log.append, ours.told), logger.level
        logger.addHandler(handler)
        logger.setLevel("INFO")
        try:
            ours.phase(watcher.StateStage.Prepare)
            ours.phase(watcher.StateStage.Execute)
            plan.run()
            ours.close()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
        yield screen.lines, log


def test_a_long_wait_is_told_with_its_hosts_and_its_log(folder, monkeypatch):
    monkeypatch.setattr(watcher, "TICK", 0.02)
    monkeypatch.setattr(watcher, "LONG", 0.05)
    with watched(folder, docker, fake_delay=0.4) as (lines, _):
        waits = [line for line in lines if "waiting for" in line]
    assert waits[0].endswith("Packages: waiting for all 6 hosts; log there: /var/log/openpai-deploy/apt.log"), lines


def test_what_hosts_say_alike_is_said_once_and_waits_at_once(folder):
    with watched(folder, docker) as (lines, log):
        assert lines.count("all 6 hosts  rebooting: nouveau is loaded") == 1, lines
        assert len([line for line in lines if line.endswith("12 s  still waiting")]) == 6, lines
    assert len([line for line in log if "rebooting" in line]) == 6, "the log has each"
    assert [line for line in log if "Starting operation: Docker | Packages" in line]
    assert not [line for line in lines if "Starting operation" in line or line.endswith("Success")]


def test_a_host_on_its_own_is_heard_at_once(folder):
    @deploy("Docker")
    def alone():
        if host.data.role == "master":
            talkative(name="Words")

    with watched(folder, alone) as (lines, _):
        assert lines[:2] == [
            "== Docker: @fake/openpai-master-01",
            "@fake/openpai-master-01  rebooting: nouveau is loaded",
        ]


@pytest.mark.parametrize("name", ["Packages", "Words"])
def test_a_change_is_one_line_for_all_hosts(folder, name):
    with watched(folder, docker) as (lines, _):
        assert len([line for line in lines if line.startswith(f"changed  {name}: all 6 hosts (")]) == 1, lines
