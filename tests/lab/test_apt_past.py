"""Hosts whose apt has a past: sources of others that are dead, and what only real apt and dpkg can show of it."""

from __future__ import annotations

import time

import pytest

from tests.lab.docker_host import write
from tests.lab.harness import converged, deploy, new_lab, out, pyinfra

WORKER, MASTER = "openpai-001", "openpai-master-01"
PARTS, LISTS = "/etc/apt/sources.list.d", "/var/lib/apt/lists"


@pytest.fixture(scope="module")
def lab():
    """Bare Debian 12 hosts; Docker and time only."""
    with new_lab("apt", workers=1) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


def others(lab):
    """Sources that are refused, gone, and of no known name, by file; apt fetched the first one once."""
    gateway = lab.gateway
    return {
        f"{PARTS}/refused.list": f"deb [trusted=yes] http://{gateway}:9/refused bookworm main\n",
        f"{PARTS}/gone.sources": f"# theirs\nTypes: deb\nURIs: http://{gateway}:8080/gone\nSuites: ./\nTrusted: yes\n",
        "/etc/apt/sources.list": "deb [trusted=yes] http://nowhere.invalid/apt stable main\n",
        f"{LISTS}/{gateway}:9_refused_dists_bookworm_InRelease": "Origin: Refused\n",
    }


def test_others_sources_that_are_dead_are_told_passed_over_and_kept(lab):
    dead = others(lab)
    for path, text in dead.items():
        write(lab, WORKER, path, text)
    told = pyinfra(lab, file="tasks.preflight.check")
    assert told.status == 0, told.output
    rows = [row for row in told.output.splitlines() if "package-sources" in row]
    assert [row.split()[:3] for row in rows] == [[WORKER, "should", "package-sources"]] * 3, told.output
    for path in list(dead)[:3]:
        assert any(path in row for row in rows), rows

    converged(lab)
    assert out(lab, WORKER, "docker info -f '{{.LiveRestoreEnabled}}'") == "true"
    assert lab.run(WORKER, "apt-get -q -o APT::Update::Error-Mode=any update").returncode != 0
    assert {path: lab.run(WORKER, f"cat {path}").stdout for path in dead} == dead
    assert converged(lab).changed == 0


def test_a_distribution_that_does_not_answer_ends_that_host_alone_in_its_own_words(lab):
    path = f"{PARTS}/debian.sources"
    kept = lab.run(WORKER, f"cat {path}").stdout
    out(lab, WORKER, f"sed -i 's|^URIs:.*|URIs: http://{lab.gateway}:8080/gone|' {path}; apt-get -qy remove ntpsec")
    try:
        began = time.monotonic()
        run = deploy(lab)
        assert run.status == 1
        said = [line for line in run.lines(WORKER) if f"apt's index of {path}" in line]
        assert len(said) == 1 and "is not refreshed; mend what is named above" in said[0], run.output
        assert any(f"http://{lab.gateway}:8080/gone" in line and "404" in line for line in run.lines(WORKER))
        assert "E: " not in "".join(run.lines(WORKER))
        assert time.monotonic() - began < 90
        assert not [line for line in run.lines(MASTER) if "error" in line.lower()]
    finally:
        write(lab, WORKER, path, kept)
    converged(lab)
    assert converged(lab).changed == 0
