"""Hosts whose apt has a past: sources of others that are dead, and what only real apt and dpkg can show of it."""

from __future__ import annotations

import time

import pytest

from lab.wait import wait_until
from tests.lab.docker_host import lock_held, write
from tests.lab.harness import converged, deploy, killed_when, new_lab, out, pyinfra

WORKER, MASTER = "openpai-001", "openpai-master-01"
PARTS, LISTS = "/etc/apt/sources.list.d", "/var/lib/apt/lists"


@pytest.fixture(scope="module")
def lab():
    """Bare Debian 12 hosts; Docker and time only."""
    with new_lab("apt", workers=1) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


def test_others_sources_that_are_dead_are_told_passed_over_and_kept(lab):
    lab.age(WORKER, "dead-sources")
    sources = (f"{PARTS}/refused.list", f"{PARTS}/gone.sources", "/etc/apt/sources.list")
    fetched = f"{LISTS}/{lab.gateway}:9_refused_dists_bookworm_InRelease"
    dead = {path: out(lab, WORKER, f"cat {path}") for path in (*sources, fetched)}
    told = pyinfra(lab, file="tasks.preflight.check")
    assert told.status == 0, told.output
    rows = [row for row in told.output.splitlines() if "package-sources" in row]
    assert [row.split()[:3] for row in rows] == [[WORKER, "should", "package-sources"]], told.output
    for path in sources:
        assert path in rows[0], rows

    converged(lab)
    assert out(lab, WORKER, "docker info -f '{{.LiveRestoreEnabled}}'") == "true"
    assert {path: out(lab, WORKER, f"cat {path}") for path in dead} == dead
    assert converged(lab).changed == 0
    assert lab.run(WORKER, "timeout 60 apt-get -q -o APT::Update::Error-Mode=any update").returncode != 0


def test_a_distribution_that_does_not_answer_ends_that_host_alone_in_its_own_words(lab):
    path = f"{PARTS}/debian.sources"
    kept = lab.run(WORKER, f"cat {path}").stdout
    out(lab, WORKER, f"sed -i 's|^URIs:.*|URIs: http://{lab.gateway}:8080/gone|' {path}; apt-get -qy remove ntpsec")
    try:
        began = time.monotonic()
        run = deploy(lab)
        assert run.status == 1
        said = [line for line in run.lines(WORKER) if "apt's index of" in line and path in line]
        assert len(said) == 1 and "is not refreshed; mend what is named above" in said[0], run.output
        assert any(f"http://{lab.gateway}:8080/gone" in line for line in run.lines(WORKER))
        assert "E: " not in "".join(run.lines(WORKER))
        assert time.monotonic() - began < 90
        assert not [line for line in run.lines(MASTER) if "error" in line.lower()]
    finally:
        write(lab, WORKER, path, kept)
    converged(lab)
    assert converged(lab).changed == 0


DOCKER = "docker-ce docker-ce-cli containerd.io"
INSTALLED = f"dpkg-query -W -f '${{db:Status-Status}} ${{db:Status-Want}}\\n' {DOCKER} | sort -u"


def test_a_run_killed_in_the_middle_of_an_install_leaves_it_to_its_unit_and_is_taken_up(lab):
    unit = "openpai-deploy-apt.service"
    out(lab, WORKER, f"apt-get -qy --allow-change-held-packages purge {DOCKER}; : >/var/log/dpkg.log")
    killed_when(lab, lambda: lab.run(WORKER, "grep -q ' half-installed docker-ce' /var/log/dpkg.log").returncode == 0)
    at_work = lab.run(WORKER, f"systemctl is-active {unit}").stdout.strip()
    wait_until(lambda: lab.run(WORKER, f"systemctl is-active -q {unit}").returncode != 0, 120)
    assert at_work == "active"
    assert out(lab, WORKER, "dpkg --audit") == ""
    converged(lab)
    assert out(lab, WORKER, INSTALLED) == "installed hold"
    assert converged(lab).changed == 0


def test_what_an_interrupted_dpkg_left_is_finished_first(lab):
    out(lab, WORKER, "apt-get -qy purge ntpsec")
    lab.age(WORKER, "interrupted-dpkg")
    assert "dpkg was interrupted" in lab.run(WORKER, "apt-get -qy install pciutils").stderr
    told = pyinfra(lab, file="tasks.preflight.check")
    assert told.status == 0 and "packages-finished" in told.output, told.output
    converged(lab)
    states = out(lab, WORKER, "dpkg-query -W -f '${db:Status-Status} ' flaky slow ntpsec")
    assert states.split() == ["installed"] * 3
    assert converged(lab).changed == 0


def test_the_holder_of_a_lock_is_waited_for_and_named(lab):
    out(lab, WORKER, "apt-get -qy purge ntpsec")
    lab.configure(package_lock_wait=1)
    out(lab, WORKER, f"systemd-run -q --unit=holder {lock_held('/var/lib/dpkg/lock-frontend', 150)}")
    began = time.monotonic()
    try:
        converged(lab, "--data", "skip_requirements=package-lock")
    finally:
        lab.configure(package_lock_wait=None)
    log = out(lab, WORKER, "cat /var/log/openpai-deploy/apt.log")
    assert "waiting for perl (process " in log and "holds a lock of apt or dpkg" in log, (log, time.monotonic() - began)
    assert out(lab, WORKER, "dpkg-query -W -f '${db:Status-Status}' ntpsec") == "installed"
