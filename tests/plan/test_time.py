"""The time stage on hosts that have a clock of their own."""

import re
import time as clock

import pytest
from pyinfra.operations import server

from tasks import time
from tests.plan.conftest import planned
from tests.sections import sections

WORKER = "@fake/openpai-001"
IN_STEP = {
    "timesyncd": "active",
    "timesync": "LinkNTPServers=10.7.0.2\nServerName=10.7.0.2",
    "timesync_done": "/run/systemd/timesync/synchronized",
}
LOST = IN_STEP | {"timesync": "LinkNTPServers=10.7.0.2", "timesync_done": ""}


def titles(plan):
    return [name.rpartition(" | ")[2] for name in plan.operations(WORKER)]


def on(**answers):
    return {"openpai-001": {"chronyc": sections(**answers)}}


def without_servers(folder):
    config = folder / "config.yaml"
    config.write_text(re.sub(r"^ntp_servers:.*\n", "", config.read_text(), flags=re.MULTILINE))
    return folder


def test_a_timesyncd_in_step_is_left_alone(folder):
    with planned(without_servers(folder), time.synchronise, on(**IN_STEP)) as plan:
        assert titles(plan) == ["The time daemon runs with its configuration"]  # the fake host's unit is not enabled


def test_a_timesyncd_in_step_gets_the_configs_servers(folder):
    with planned(folder, time.synchronise, on(**IN_STEP)) as plan:
        assert titles(plan)[0] == "Time servers"
        plan.run()
        assert any("timesyncd.conf.d/90-openpai-deploy.conf" in command for command in plan.commands(WORKER))


def test_of_a_timesyncd_that_gives_way_the_servers_are_taken_over(folder, monkeypatch):
    written = {}
    monkeypatch.setattr("tasks.time.deploy.put", lambda name, content, dest: written.update({dest: content}))
    with planned(without_servers(folder), time.synchronise, on(**LOST)):
        assert "10.7.0.2" in written["/etc/ntpsec/ntp.conf"]


@pytest.mark.parametrize(
    ("release", "daemon"),
    [
        ("ID=ubuntu\nVERSION_ID=22.04", "chrony"),
        ("ID=debian\nVERSION_ID=11", "ntp"),
        ("ID=debian\nVERSION_ID=12", "ntpsec"),
    ],
)
def test_a_host_without_a_daemon_gets_that_of_its_release(folder, monkeypatch, release, daemon):
    wanted = []
    monkeypatch.setattr("tasks.apt.packages", lambda name, names, hold: wanted.extend(names))
    answers = {"openpai-001": {"os-release": sections(release=release)}}
    with planned(folder, time.synchronise, answers):
        assert daemon in wanted


WAITS = {1: "The clock is synchronised", 2: "Every clock is synchronised"}


@pytest.mark.parametrize(("off", "stages"), [(-5, [2]), (5, [2]), (-3600, [1]), (60, [1])])
def test_a_clock_that_is_nearly_right_is_waited_for_later(folder, off, stages):
    """Another one at once: what is installed next has dates."""

    def both():
        time.synchronise(wait=False)
        server.shell(name="What comes next", commands=["what-comes-next"])
        time.settle()

    answers = {
        "now date +%s": sections(now=str(int(clock.time()) + off)),
        "chronyc": sections(ntpsec="active"),
        "apt-cache": sections(first="", offers=" ntpsec | 1 | http://m/debian x"),
    }
    with planned(folder, both, {"openpai-001": answers}) as plan:
        assert (titles(plan).index("What comes next") < titles(plan).index(WAITS[stages[0]])) is (stages == [2])
        plan.run()
        given = plan.commands(WORKER)
    next_one = next(number for number, text in enumerate(given) if "what-comes-next" in text)
    waits = [number for number, text in enumerate(given) if "not synchronised after 180 s" in text]
    assert [2 if number > next_one else 1 for number in waits] == stages
