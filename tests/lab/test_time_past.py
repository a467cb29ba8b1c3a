"""Hosts with Debian's real systemd-timesyncd: one in step is kept, of one that gives way the servers are taken over."""

from __future__ import annotations

import pytest

from lab import commands
from tests.lab.harness import new_lab, out, pyinfra

WORKER, LEASED, MASTER = "openpai-001", "openpai-002", "openpai-master-01"
# The dev box is new, and finds no server of the distribution's here.
LIVED_IN = ("--limit", WORKER, "--limit", LEASED, "--limit", MASTER)
STAGE = "tasks.time.synchronise"
COMPANYS = "/etc/systemd/timesyncd.conf.d/company.conf"
DONE = "/run/systemd/timesync/synchronized"


@pytest.fixture(scope="module")
def lab():
    """Hosts without ntp_servers, whose timesyncd has its server from DHCP, or the company's from a file of its own."""
    with new_lab("clocks", workers=2, pasts={WORKER: "timesyncd", LEASED: "dhcp-clock", MASTER: "timesyncd"}) as made:
        made.configure(ntp_servers=[])
        for first in ("tasks.ssh.establish_trust", "tasks.apt.go_through_proxy"):
            assert pyinfra(made, "-y", file=first).status == 0
        yield made


def stage(lab, *limits):
    run = pyinfra(lab, "-y", *limits, file=STAGE)
    assert run.status == 0, run.output
    return run


def test_a_timesyncd_in_step_is_kept_and_one_that_is_not_leaves_its_servers(lab):
    started = out(lab, WORKER, "systemctl show -P ExecMainStartTimestamp systemd-timesyncd")
    for host in (LEASED, MASTER):
        out(lab, host, f"rm {DONE}")  # as one that has not met its server yet
    stage(lab, *LIVED_IN)
    assert out(lab, WORKER, "systemctl show -P ExecMainStartTimestamp systemd-timesyncd") == started
    assert lab.run(WORKER, "dpkg -s ntpsec").returncode != 0
    for host in (LEASED, MASTER):
        assert f"server {lab.gateway} iburst" in out(lab, host, "cat /etc/ntpsec/ntp.conf")
    assert out(lab, MASTER, f"cat {COMPANYS}") == f"[Time]\nNTP={lab.gateway}"
    assert stage(lab, *LIVED_IN).changed == 0


def test_a_timesyncd_in_step_follows_the_configs_servers_and_passes_the_verification(lab):
    lab.configure(ntp_servers=[lab.gateway])
    stage(lab)
    drop_in = out(lab, WORKER, "cat /etc/systemd/timesyncd.conf.d/90-openpai-deploy.conf")
    assert f"NTP={lab.gateway}" in drop_in
    assert stage(lab).changed == 0
    done = commands.run(commands.verification(lab, suite="tests/hosts/test_time.py"))
    assert done.status == 0, done.output
