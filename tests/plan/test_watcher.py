"""What is said while a run works: long waits, what many hosts say alike, and pyinfra's own words kept away."""

from contextlib import contextmanager

import pytest
from pyinfra import host, logger
from pyinfra.api import FunctionCommand, deploy, operation
from pyinfra.api.exceptions import ConnectError

from cluster import Problem
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
def watching(folder, what, **given):
    """A plan of six fake hosts, its watcher, the lines of its screen, and every line of its log."""
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
            yield plan, ours, screen.lines, log
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextmanager
def watched(folder, what, **given):
    """The lines of a screen, and every line of the log, of a whole run."""
    with watching(folder, what, **given) as (plan, ours, lines, log):
        ours.phase(watcher.StateStage.Prepare)
        ours.phase(watcher.StateStage.Execute)
        plan.run()
        ours.close()
        yield lines, log


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


@pytest.mark.parametrize("count", [1, 4])
def test_hosts_that_are_not_reached_are_told_once(folder, count):
    """pyinfra's own line of each, hundreds where a network is down, is for the log."""
    with watching(folder, docker) as (plan, ours, lines, log):
        state = plan.state
        state.current_stage = watcher.StateStage.Connect
        ours.phase(state.current_stage)
        for lost in list(state.inventory)[-count:]:
            lost.connector_data["refusal"] = Problem(f"{lost.data.address}: timed out", "look")
            logger.error(f"[{lost.name}] {lost.data.address}: timed out; look")
            state.trigger_callbacks("host_connect_error", lost, ConnectError("timed out"))
        ours.close()
    failed = {1: "@fake/openpai-004: 10.0.0.4: timed out; look", 4: "all 4 workers: ADDRESS: timed out; look"}
    assert lines == [f"FAILED   {failed[count]}"]
    assert len([line for line in log if "timed out" in line]) == count


@pytest.mark.parametrize("name", ["Packages", "Words"])
def test_a_change_is_one_line_for_all_hosts(folder, name):
    with watched(folder, docker) as (lines, _):
        assert len([line for line in lines if line.startswith(f"changed  {name}: all 6 hosts (")]) == 1, lines
