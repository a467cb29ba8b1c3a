"""Hosts that had a Docker before: another engine, another major version, and containers that run."""

from __future__ import annotations

import json

import pytest

from tests.lab.docker_host import DAEMON_JSON, started, write
from tests.lab.harness import converged, deploy, new_lab, out, pyinfra

HOSTS = DEBIANS, NEWER, DEV_BOX = "openpai-001", "openpai-002", "dev-box"
NAMES = "docker.io docker-compose docker-ce docker-ce-cli containerd.io containerd runc"


@pytest.fixture(scope="module")
def lab():
    """A worker and a dev box with Debian's Docker, and a worker with docker-ce 29; a container runs on each."""
    debians, newer = "docker.io+container", "docker-29+container"
    with new_lab("dpast", workers=2, pasts={DEBIANS: debians, DEV_BOX: debians, NEWER: newer}) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


def _install(lab, host, packages):
    through = f"-o Acquire::http::Proxy=http://{lab.gateway}:3128"
    out(
        lab,
        host,
        f"apt-get {through} -q update && DEBIAN_FRONTEND=noninteractive apt-get {through} -q -y install {packages}",
    )


def _packages(lab, host):
    return out(
        lab, host, f"dpkg-query -W -f '${{db:Status-Abbrev}} ${{Package}} ${{Version}}\\n' {NAMES} 2>/dev/null || :"
    )


def _state(lab, host):
    """The packages, the container and since when it runs."""
    return _packages(lab, host), started(lab, host)


def test_preflight_says_beforehand_what_the_operator_must_decide(lab):
    before = {host: _state(lab, host) for host in HOSTS}
    run_ = deploy(lab)
    assert run_.status != 0 and "no host was changed" in run_.output, run_.output
    assert "docker.io, containerd, runc must give way to docker-ce, but 1 containers run (lasting)" in run_.output
    assert "Docker 29.1.5 is installed, which the kubelet" in run_.output
    assert {host: _state(lab, host) for host in HOSTS} == before


def test_the_deploy_itself_stops_these_hosts_and_keeps_the_dev_boxs_docker(lab):
    before = {host: _state(lab, host) for host in HOSTS}
    run_ = deploy(lab, "--data", "skip_requirements=docker-change")
    assert run_.status != 0
    assert any("docker.io, containerd, runc must give way" in line for line in run_.lines(DEBIANS)), run_.output
    assert any('docker_version in config.yaml: "29.1.5" keeps' in line for line in run_.lines(NEWER)), run_.output
    # The dev box was gone through to its end: options merged, nothing installed, nothing ended.
    assert {host: _state(lab, host) for host in HOSTS} == before
    assert json.loads(out(lab, DEV_BOX, f"cat {DAEMON_JSON}"))["live-restore"] is True
    assert lab.run(DEV_BOX, "ls /etc/apt/sources.list.d/docker.sources").returncode != 0


def test_a_foreign_package_that_needs_a_predecessor_stops_the_host(lab):
    _install(lab, DEBIANS, "docker-clean")
    before = _state(lab, DEBIANS)
    run_ = deploy(lab, "--limit", DEV_BOX, "--limit", DEBIANS, "--data", "allow_disruption=yes")
    assert run_.status != 0
    assert any("apt would remove docker-clean with docker.io" in line for line in run_.lines(DEBIANS)), run_.output
    assert _state(lab, DEBIANS) == before
    out(lab, DEBIANS, "apt-get -q -y purge docker-clean")


def test_with_the_operators_word_all_converge_and_nothing_is_lost(lab):
    plugins = "/usr/libexec/docker/cli-plugins"
    out(lab, DEBIANS, f"mkdir -p {plugins} && echo by-hand >{plugins}/docker-compose")
    lab.configure(docker_version="20.10")
    try:
        # A major version down: the version is told, and the containers' end is not.
        refused = pyinfra(lab, "--limit", NEWER, file="tasks.preflight.check")
        said = "Docker 29.1.5 must become 20.10, but 1 containers run (lasting) and live-restore keeps"
        assert said in refused.output, refused.output
        converged(lab, "--data", "allow_disruption=yes")
    finally:
        lab.configure(docker_version=None)
    for host in HOSTS:
        assert "docker-ce 5:20.10.24~3-0~debian-bookworm" in _packages(lab, host)
        # By its restart policy, from the folder where it was.
        assert started(lab, host).startswith("true"), host
        assert out(lab, host, "docker info -f '{{.DockerRootDir}}'") == "/var/lib/docker"
    assert out(lab, DEBIANS, f"cat {plugins}.openpai.disabled/docker-compose; ls {plugins}") == "by-hand"
    before = {host: _state(lab, host) for host in HOSTS}
    again = converged(lab)
    assert again.changed == 0, again.output
    assert {host: _state(lab, host) for host in HOSTS} == before


def test_a_patch_release_is_installed_under_containers_that_live_on(lab):
    # As a host that never had live-restore: it is put in force before the packages.
    content = json.loads(out(lab, NEWER, f"cat {DAEMON_JSON}")) | {"live-restore": False}
    write(lab, NEWER, DAEMON_JSON, json.dumps(content))
    out(lab, NEWER, "systemctl reload docker && sleep 1")
    before = {host: started(lab, host) for host in HOSTS}
    lab.configure(docker_version="20.10.24~2-0~debian-bookworm", docker_live_restore=True)
    try:
        converged(lab)
        for host in HOSTS:
            assert "docker-ce 5:20.10.24~2-0~debian-bookworm" in _packages(lab, host)
        assert {host: started(lab, host) for host in HOSTS} == before
    finally:
        lab.configure(docker_version=None, docker_live_restore=None)
