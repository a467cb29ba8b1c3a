"""Hosts with Debian's real systemd-timesyncd: one in step is kept, of one that gives way the servers are taken over."""

from __future__ import annotations

from functools import partial

import pytest

from lab import commands
from lab.wait import wait_until
from tests.lab.docker_host import write
from tests.lab.harness import new_lab, out, pyinfra

WORKER, MASTER = "openpai-001", "openpai-master-01"
# The dev box is new, and finds no server of the distribution's here.
LIVED_IN = ("--limit", WORKER, "--limit", MASTER)
STAGE = "tasks.time.synchronise"
COMPANYS = "/etc/systemd/timesyncd.conf.d/company.conf"
# systemd leaves it alone in a container; that it may not set the clock there does not matter.
IN_CONTAINERS = "[Unit]\nConditionCapability=\nConditionVirtualization=\n"
LABS = "/etc/systemd/system/systemd-timesyncd.service.d/lab.conf"
DONE = "/run/systemd/timesync/synchronized"


def in_step(lab, host):
    return lab.run(host, f"ls {DONE}").returncode == 0


@pytest.fixture(scope="module")
def lab():
    """Hosts without ntp_servers, whose timesyncd has the company's server from a file of its own."""
    with new_lab("clocks", workers=1) as made:
        made.configure(ntp_servers=[])
        proxied = f"apt-get -qy -o Acquire::http::Proxy=http://{made.gateway}:3128"
        for host in (WORKER, MASTER):
            out(made, host, f"mkdir -p $(dirname {COMPANYS}) $(dirname {LABS})")
            write(made, host, COMPANYS, f"[Time]\nNTP={made.gateway}\n")
            write(made, host, LABS, IN_CONTAINERS)
            out(made, host, f"{proxied} update && {proxied} install systemd-timesyncd")
            out(made, host, "systemctl daemon-reload && systemctl restart systemd-timesyncd")
            wait_until(partial(in_step, made, host), 60)
        for first in ("tasks.ssh.establish_trust", "tasks.apt.go_through_proxy"):
            assert pyinfra(made, "-y", file=first).status == 0
        yield made


def stage(lab, *limits):
    run = pyinfra(lab, "-y", *limits, file=STAGE)
    assert run.status == 0, run.output
    return run


def test_a_timesyncd_in_step_is_kept_and_one_that_is_not_leaves_its_servers(lab):
    started = out(lab, WORKER, "systemctl show -P ExecMainStartTimestamp systemd-timesyncd")
    out(lab, MASTER, f"rm {DONE}")  # as one that has not met its server yet
    stage(lab, *LIVED_IN)
    assert out(lab, WORKER, "systemctl show -P ExecMainStartTimestamp systemd-timesyncd") == started
    assert lab.run(WORKER, "dpkg -s ntpsec").returncode != 0
    assert f"server {lab.gateway} iburst" in out(lab, MASTER, "cat /etc/ntpsec/ntp.conf")
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
