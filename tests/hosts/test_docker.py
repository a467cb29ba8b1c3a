"""Docker: the packages, the daemon with the configured options in force, the user's right to it, and a container."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import Cluster, Host, secrets
from tests.hosts import docker_info
from tests.hosts.containers import PULL, container_probe
from tests.hosts.packages import expect_held, package_probes
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect, expect_answer, fail
from tests.hosts.targets import Target, applies_to, docker_hosts, docker_package_hosts

pytestmark = applies_to(docker_hosts)

Answers = dict[str, Answer]

PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io")
REMOVED = ("docker", "docker-engine", "docker.io")
CLIENT_CONFIG = "/root/.docker/config.json"
DAEMON_JSON = "/etc/docker/daemon.json"
UNITS = "$(systemctl show docker.service -p FragmentPath -p DropInPaths --value)"
# Those of `files` that changed after the time of systemd's property `since`, which has no fractions of a second.
CHANGED = 'find {files} -newerct "$(TZ=UTC systemctl show docker.service -p {since} --value) 1 second"'
# Seconds for a container that only says a word.
CONTAINER = 60


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    user, image = shlex.quote(cluster.config.user), shlex.quote(cluster.config.docker_check_image)
    yield from package_probes(*PACKAGES, *REMOVED)
    yield Probe("service", "systemctl show docker.service -p ActiveState -p UnitFileState -p NeedDaemonReload")
    yield Probe("info", "docker info --format '{{json .}}'", seconds=60)
    yield Probe("daemon.json", f"[ ! -e {DAEMON_JSON} ] || cat {DAEMON_JSON}")
    # A reload changes the state of the service as a start does; units are read by a start alone.
    changed = CHANGED.format(files=DAEMON_JSON, since="StateChangeTimestamp")
    yield Probe("changed daemon.json", f"[ ! -e {DAEMON_JSON} ] || {changed}")
    yield Probe("changed units", CHANGED.format(files=UNITS, since="ExecMainStartTimestamp"))
    yield Probe("validate", f"dockerd --validate --config-file {DAEMON_JSON}")
    login = secrets.registry_login(cluster.config)
    if login:
        yield Probe("registry login", f"grep -qF {shlex.quote(json.dumps(login.server))} {CLIENT_CONFIG}")
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
def service(answers: Answers) -> dict[str, str]:
    """systemd's properties of docker.service."""
    return dict(line.split("=", 1) for line in answers["service"].out.splitlines() if "=" in line)


@pytest.fixture
def info(target: Target, answers: Answers, service: dict[str, str]) -> dict[str, Any]:
    """What `docker info` shows; without a daemon that answers the test fails here."""
    answer = answers["info"]
    shown = json.loads(answer.out) if answer.out.startswith("{") else {}
    expect(
        bool(shown.get("ServerVersion")),
        target,
        found=f"docker.service {service.get('ActiveState', 'unknown')}, `docker info` without a word of the daemon's"
        + (f": {answer.problem}" if not answer.ok else ""),
        needed="a running daemon that answers",
        remedy=_look(target),
    )
    return shown


@pytest.fixture
def settings(target: Target, answers: Answers) -> dict[str, Any]:
    """The content of daemon.json; when it is not JSON the test fails here."""
    text = expect_answer(answers["daemon.json"], target, needed=f"a {DAEMON_JSON} to read", remedy=_look(target))
    try:
        content = json.loads(text or "{}")
        why = "" if isinstance(content, dict) else "not a JSON object"
    except json.JSONDecodeError as error:
        why = f"line {error.lineno} column {error.colno}: {error.msg}"
    if why:
        fail(target, f"{DAEMON_JSON} is not valid: {why}; mend the file and run the deploy")
    return content


def _look(target: Target) -> str:
    return f"look at `journalctl -u docker` there, or run the deploy: {target.deploy}"


@applies_to(docker_package_hosts)
@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_installed_and_held(target: Target, answers: Answers, package: str) -> None:
    wanted = target.config.docker_version if package != "containerd.io" else None
    expect_held(target, answers, package, wanted)


@applies_to(docker_package_hosts)
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


def test_service_runs_now_and_after_a_boot(target: Target, service: dict[str, str]) -> None:
    now, at_boot = service.get("ActiveState"), service.get("UnitFileState")
    expect(
        (now, at_boot) == ("active", "enabled"),
        target,
        found=f"docker.service {now or 'unknown'}, {at_boot or 'unknown'}",
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


def test_daemon_runs_with_its_files(
    target: Target, answers: Answers, service: dict[str, str], info: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Neither daemon.json nor a unit file has changed behind the daemon's back."""
    changed = {
        what: expect_answer(answers[f"changed {what}"], target, needed="the age of its files", remedy=_look(target))
        for what in ("daemon.json", "units")
    }
    stale = []
    if service.get("NeedDaemonReload") == "yes":
        stale.append("unit files changed since systemd read them")
    if changed["units"]:
        stale.append("unit files changed since dockerd started")
    if changed["daemon.json"]:
        stale.append(f"{DAEMON_JSON} changed since dockerd read it")
    stale += [f"{DAEMON_JSON} says another {key} than `docker info`" for key in docker_info.differing(info, settings)]
    expect(
        not stale,
        target,
        found="a stale daemon: " + ", ".join(stale),
        needed="dockerd running with its files",
        remedy=f"run the deploy: {target.deploy}; where it finds the same content and changes nothing, "
        "run `systemctl daemon-reload` and `systemctl restart docker` there",
    )


def test_data_root(target: Target, info: dict[str, Any], settings: dict[str, Any]) -> None:
    # The deploy leaves the key out where a Docker of before has its containers in dockerd's own folder.
    wanted = _wanted(target, "docker_data_root", settings.get("data-root", "/var/lib/docker"))
    _expect_in_force(target, "data root", info.get("DockerRootDir"), wanted)


def test_live_restore(target: Target, info: dict[str, Any], settings: dict[str, Any]) -> None:
    wanted = _wanted(target, "docker_live_restore", settings.get("live-restore"))
    _expect_in_force(target, "live-restore", info.get("LiveRestoreEnabled"), wanted)


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


def test_registry_mirrors(target: Target, info: dict[str, Any]) -> None:
    missing = docker_info.missing_mirrors(info, target.config.openpai_docker_registry_mirrors)
    expect(
        not missing,
        target,
        found=f"the registry mirrors {docker_info.mirrors(info)}",
        needed=f"{missing} among them",
        remedy=f"run the deploy: {target.deploy}",
    )


@applies_to(lambda cluster, host: docker_hosts(cluster, host) and bool(secrets.registry_login(cluster.config)))
def test_root_is_logged_in_to_the_registry(target: Target, answers: Answers) -> None:
    """That the login is taken, the containers of this suite show where their images come from that registry."""
    needed = f"a login at {target.config.docker_registry_domain} in {CLIENT_CONFIG}"
    expect_answer(answers["registry login"], target, needed=needed, remedy=f"run the deploy: {target.deploy}")


def test_insecure_registries(target: Target, info: dict[str, Any]) -> None:
    missing = docker_info.missing_insecure(info, target.config.openpai_docker_insecure_registries)
    expect(
        not missing,
        target,
        found=f"the insecure registries {docker_info.insecure(info)}",
        needed=f"{missing} among them",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_proxy(target: Target, info: dict[str, Any]) -> None:
    config = target.config
    _expect_in_force(target, "HTTP proxy", info.get("HttpProxy") or None, config.http_proxy)
    _expect_in_force(target, "HTTPS proxy", info.get("HttpsProxy") or None, config.https_proxy or config.http_proxy)
    if config.http_proxy or config.https_proxy:
        shown = (info.get("NoProxy") or "").split(",")
        inside = [config.kube_pods_subnet, config.kube_service_addresses]
        missing = [name for name in (*config.no_proxy, *inside) if name not in shown]
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
