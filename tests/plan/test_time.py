"""The time stage on hosts that have a clock of their own."""

import re

import pytest

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
