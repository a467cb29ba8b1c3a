"""Docker: the packages, the daemon with the configured options in force, the user's right to it, and a container."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import Cluster, Host
from tasks.docker import daemon_json
from tasks.docker.facts import DAEMON_JSON, Docker, DockerDaemon, parse_docker
from tests.hosts.containers import PULL, container_probe
from tests.hosts.packages import expect_held, package_probes
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect, expect_answer, fail
from tests.hosts.targets import Target, applies_to, docker_hosts

pytestmark = applies_to(docker_hosts)

Answers = dict[str, Answer]

PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io")
REMOVED = ("docker", "docker-engine", "docker.io")
# Seconds for a container that only says a word.
CONTAINER = 60


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    user, image = shlex.quote(cluster.config.user), shlex.quote(cluster.config.docker_check_image)
    yield from package_probes(*PACKAGES, *REMOVED)
    yield Probe("daemon", Docker().command(), seconds=60)
    yield Probe("validate", f"dockerd --validate --config-file {DAEMON_JSON}")
    yield container_probe("container", cluster.config.docker_check_image, seconds=CONTAINER)
    # Created and never started: docker fills in the daemon's log options, which `docker info` does not show.
    yield Probe(
        "log options",
        f"id=$(docker create {image}) && docker inspect --format '{{{{json .HostConfig.LogConfig}}}}' $id; "
        "status=$?; docker rm $id >/dev/null; exit $status",
        seconds=CONTAINER,
        grace=PULL,
    )
    if host.is_local:
        yield Probe("groups", f"su -l {user} -c 'id -nG'")
        yield Probe("docker as user", f"su -l {user} -c 'docker version'", seconds=30)
    else:
        yield Probe("groups", "id -nG", run_as=RunAs.FRESH)
        yield Probe("docker as user", "docker version", seconds=30, run_as=RunAs.FRESH)


@pytest.fixture
def daemon(target: Target, answers: Answers) -> DockerDaemon:
    """The state of the host's Docker; without a daemon that answers the test fails here."""
    out = expect_answer(answers["daemon"], target, needed="the state of Docker", remedy=_look(target))
    found = parse_docker(out.splitlines())
    state = "not installed" if not found.installed else "active" if found.active else "not running"
    expect(
        found.answers,
        target,
        found=f"Docker {state}, no answer to `docker info`",
        needed="a running daemon",
        remedy=_look(target),
    )
    return found


@pytest.fixture
def settings(target: Target, daemon: DockerDaemon) -> dict[str, Any]:
    """The content of daemon.json; when it is not JSON the test fails here."""
    try:
        return daemon_json.parse(daemon.file)
    except ValueError as error:
        why = str(error)
    fail(target, f"{DAEMON_JSON} is not valid: {why}; mend the file and run the deploy")


def _look(target: Target) -> str:
    return f"look at `journalctl -u docker` there, or run the deploy: {target.deploy}"


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_installed_and_held(target: Target, answers: Answers, package: str) -> None:
    wanted = target.config.docker_version if package != "containerd.io" else None
    expect_held(target, answers, package, wanted)


def test_former_packages_are_gone(target: Target, answers: Answers) -> None:
    installed = [line.split()[0] for line in answers["packages"].out.splitlines() if line.endswith(" installed")]
    left = sorted(set(installed) & set(REMOVED))
    expect(
        not left,
        target,
        found=f"{', '.join(left)} installed",
        needed="docker-ce alone",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_service_runs_now_and_after_a_boot(target: Target, daemon: DockerDaemon) -> None:
    expect(
        daemon.active and daemon.enabled,
        target,
        found=f"docker.service {'active' if daemon.active else 'inactive'}, "
        f"{'enabled' if daemon.enabled else 'not enabled'}",
        needed="active and enabled",
        remedy="run `systemctl enable --now docker` there",
    )


def test_user_is_in_the_docker_group(target: Target, answers: Answers) -> None:
    user = target.config.user
    remedy = f"run `usermod -aG docker {user}` there, or the deploy"
    groups = expect_answer(answers["groups"], target, needed=f"the groups of {user}", remedy=remedy).split()
    expect(
        "docker" in groups or user == "root",
        target,
        found=f"{user} in the groups {' '.join(groups)}",
        needed="docker among them in a new login",
        remedy=remedy,
    )


def test_user_reaches_the_daemon(target: Target, answers: Answers) -> None:
    remedy = "check the groups of the user and the mode of /var/run/docker.sock"
    expect_answer(answers["docker as user"], target, needed="the daemon's answer without sudo", remedy=remedy)


def test_container_runs(target: Target, answers: Answers) -> None:
    remedy = "check the registry, the proxy and docker_check_image in config.yaml"
    expect_answer(
        answers["container"],
        target,
        needed=f"`docker run {target.config.docker_check_image}` to succeed",
        remedy=remedy,
    )


def test_configuration_file_is_valid(target: Target, answers: Answers, settings: dict[str, Any]) -> None:
    answer = answers["validate"]
    if "unknown flag" in answer.err:  # dockerd before 23.0
        return
    expect_answer(answer, target, needed=f"a {DAEMON_JSON} that dockerd accepts", remedy="mend the file")


def test_daemon_runs_with_its_files(target: Target, daemon: DockerDaemon, settings: dict[str, Any]) -> None:
    """Neither daemon.json nor a unit file has changed behind the daemon's back."""
    stale = []
    if daemon.needs_daemon_reload:
        stale.append("unit files changed since systemd read them")
    if not daemon.units_in_force:
        stale.append("unit files changed since dockerd started")
    if daemon.in_force != settings or not daemon_json.confirmed(daemon.info, settings):
        stale.append(f"{DAEMON_JSON} changed since dockerd read it")
    expect(
        not stale,
        target,
        found="a stale daemon: " + ", ".join(stale),
        needed="dockerd running with its files",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_data_root(target: Target, daemon: DockerDaemon, settings: dict[str, Any]) -> None:
    wanted = _wanted(target, "docker_data_root", settings.get("data-root"))
    _expect_in_force(target, "data root", daemon.info.get("DockerRootDir"), wanted)


def test_live_restore(target: Target, daemon: DockerDaemon, settings: dict[str, Any]) -> None:
    wanted = _wanted(target, "docker_live_restore", settings.get("live-restore"))
    _expect_in_force(target, "live-restore", daemon.info.get("LiveRestoreEnabled"), wanted)


@pytest.mark.parametrize(("key", "option"), [("docker_log_max_size", "max-size"), ("docker_log_max_file", "max-file")])
def test_log_limit(target: Target, answers: Answers, settings: dict[str, Any], key: str, option: str) -> None:
    wanted = _wanted(target, key, settings.get("log-opts", {}).get(option))
    out = expect_answer(answers["log options"], target, needed="a container's log options", remedy=_look(target))
    found = (json.loads(out).get("Config") or {}).get(option)
    _expect_in_force(target, f"{option} of logs", found, str(wanted))


def test_iptables(target: Target, settings: dict[str, Any]) -> None:
    wanted = target.config.docker_iptables_enabled
    if wanted is not None:
        _expect_in_force(target, "iptables", settings.get("iptables", True), wanted)


def test_registry_mirrors(target: Target, daemon: DockerDaemon) -> None:
    mirrors = [mirror.rstrip("/") for mirror in daemon.info["RegistryConfig"].get("Mirrors") or []]
    missing = [url for url in target.config.openpai_docker_registry_mirrors if url.rstrip("/") not in mirrors]
    expect(
        not missing,
        target,
        found=f"the registry mirrors {mirrors}",
        needed=f"{missing} among them",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_insecure_registries(target: Target, daemon: DockerDaemon) -> None:
    registries = daemon.info["RegistryConfig"]
    insecure = [name for name, entry in registries["IndexConfigs"].items() if not entry.get("Secure")]
    insecure += registries.get("InsecureRegistryCIDRs") or []
    missing = [
        name
        for name in target.config.openpai_docker_insecure_registries
        # A bare address is shown as a network of one.
        if name not in insecure and f"{name}/32" not in insecure
    ]
    expect(
        not missing,
        target,
        found=f"the insecure registries {insecure}",
        needed=f"{missing} among them",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_proxy(target: Target, daemon: DockerDaemon) -> None:
    config, info = target.config, daemon.info
    _expect_in_force(target, "HTTP proxy", info.get("HttpProxy") or None, config.http_proxy)
    _expect_in_force(target, "HTTPS proxy", info.get("HttpsProxy") or None, config.https_proxy or config.http_proxy)
    if config.http_proxy or config.https_proxy:
        shown = (info.get("NoProxy") or "").split(",")
        missing = [name for name in config.no_proxy if name not in shown]
        expect(
            not missing,
            target,
            found=f"no proxy for {shown}",
            needed=f"{missing} among them",
            remedy=f"run the deploy: {target.deploy}",
        )


def _wanted(target: Target, key: str, present: object) -> object:
    """The config's value; where the config leaves the key out, its default gives way to what daemon.json says."""
    chosen = key in target.config.model_fields_set or present is None
    return getattr(target.config, key) if chosen else present


def _expect_in_force(target: Target, what: str, found: object, wanted: object) -> None:
    expect(
        found == wanted,
        target,
        found=f"the daemon's {what}: {found}",
        needed=str(wanted),
        remedy=f"run the deploy: {target.deploy}",
    )
