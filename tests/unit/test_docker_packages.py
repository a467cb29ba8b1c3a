"""Which Docker a host gets, and under what it is not changed."""

import pytest

from cluster import Config, Role
from tasks.docker.facts import DockerDaemon
from tasks.docker.packages import PREDECESSORS, PROGRAMS, aside, change_refusal, kept

CE = {"docker-ce": "5:20.10.24~3-0~debian-bookworm", "containerd.io": "1.6.20-1"}
NEXT = {"docker-ce": "5:29.1.0-1~debian.12~bookworm"}
SPARED = '{"live-restore": true}'


def config(**keys):
    return Config.model_validate({"user": "a", **keys})


def daemon(running=True, live=False, file=None, version="20.10.24"):
    containers = ("c0ffee web", "beef db") if running else ()
    info = {"ServerVersion": version, "LiveRestoreEnabled": live}
    return DockerDaemon(True, version, active=True, info=info, file=file, containers=containers)


@pytest.mark.parametrize(
    ("installed", "found", "keys"),
    [
        ({}, DockerDaemon(), {}),
        (CE, daemon(), {}),
        (CE, daemon(), {"docker_version": "20.10"}),
        (NEXT, daemon(), {"docker_version": "29"}),
        # Nothing runs: the operator's word for the version is enough.
        (CE, daemon(running=False), {"docker_version": "28"}),
        (NEXT, daemon(running=False), {"docker_version": "28"}),
        # A patch release, and live-restore that is or comes in force.
        (CE, daemon(live=True), {"docker_version": "20.10.25"}),
        (CE, daemon(file=SPARED), {"docker_version": "20.10.25"}),
        (CE, daemon(), {"docker_version": "20.10.25"}),
        ({"docker.io": "20.10.24+dfsg1-1"}, daemon(running=False), {}),
        ({**CE, "docker-compose": "1.29.2-3"}, daemon(), {}),
        # Without an engine's package: as programs by hand.
        ({}, daemon(running=False, version="28.5.2"), {}),
    ],
)
def test_what_may_change_or_need_not(installed, found, keys):
    assert change_refusal(installed, found, 0, config(**keys), allowed=False) is None


OVER_PATCHES = "live-restore keeps containers over patch releases alone"


@pytest.mark.parametrize(
    ("installed", "found", "shims", "keys", "said"),
    [
        (NEXT, daemon(running=False), 0, {}, "Docker 29.1.0 is installed, which the kubelet that"),
        ({}, daemon(running=False, version="29.1.0"), 0, {}, "Docker 29.1.0 is installed"),
        ({"docker.io": "29.0-1"}, daemon(running=False, version="29.0"), 0, {}, "Docker 29.0 is installed"),
        (NEXT, daemon(live=True), 0, {"docker_version": "28"}, OVER_PATCHES),
        (CE, daemon(live=True), 0, {"docker_version": "28"}, "must become 28, but 2 containers run (web, db)"),
        (CE, daemon(live=True), 0, {"docker_version": "20.11.1"}, OVER_PATCHES),
        (CE, daemon(file='{"live-restore": false}'), 0, {"docker_version": "20.10.25"}, "live-restore is off"),
        (CE, daemon(), 0, {"docker_version": "20.10.25", "docker_live_restore": False}, "live-restore is off"),
        ({}, daemon(version="20.10.5"), 0, {}, "Docker 20.10.5, of no package, must give way to docker-ce, but 2 con"),
        # The daemon does not answer, and its containers run on.
        (CE, daemon(running=False), 3, {"docker_version": "28"}, "but 3 containers run and"),
        ({"docker.io": "20.10.24-1"}, daemon(), 0, {}, "docker.io must give way to docker-ce, but 2 containers run"),
        ({"containerd": "1.6", "runc": "1.1"}, DockerDaemon(), 1, {}, "containerd, runc must give way"),
    ],
)  # fmt: skip
def test_what_is_refused(installed, found, shims, keys, said):
    problem = change_refusal(installed, found, shims, config(**keys), allowed=False)
    assert problem and said in problem.found
    assert "docker_version" in problem.fix or "allow_disruption=yes" in problem.fix


@pytest.mark.parametrize(
    ("installed", "keys"), [(CE, {"docker_version": "28"}), ({"docker.io": "20.10.24-1"}, {}), (CE, {})]
)
def test_the_operators_word_lets_containers_end(installed, keys):
    assert change_refusal(installed, daemon(), 2, config(**keys), allowed=True) is None


@pytest.mark.parametrize(
    "installed", [{}, CE, NEXT, {"docker.io": "20.10.24-1"}, {"docker.io": "29.0-1"}, {"runc": "1.1"}]
)
@pytest.mark.parametrize(
    "found", [daemon(), daemon(running=False), daemon(False, True), daemon(False, False, SPARED), DockerDaemon()]
)
@pytest.mark.parametrize("version", [None, "20.10", "20.10.25", "28", "29"])
@pytest.mark.parametrize("allowed", [True, False])
def test_what_may_be_whatever_runs_may_be_where_nothing_runs(installed, found, version, allowed):
    """So a host whose Docker stays is not asked what is at work."""
    over_work, idle = (
        change_refusal(installed, found, shims, config(docker_version=version), allowed) for shims in (1, 0)
    )
    assert over_work or idle is None


def test_no_word_of_disruption_takes_docker_down_by_a_major_version():
    problem = change_refusal(NEXT, daemon(), 2, config(), allowed=True)
    assert problem and problem.fix == 'set docker_version in config.yaml: "29.1.0" keeps this one, "28" replaces it'


def test_a_dev_box_keeps_its_docker_until_told():
    assert kept(Role.DEV_BOX, config(), daemon())
    assert not kept(Role.DEV_BOX, config(docker_version="28"), daemon())
    assert not kept(Role.DEV_BOX, config(), DockerDaemon())
    assert not kept(Role.WORKER, config(), daemon())


def test_predecessors_are_those_of_dockers_documentation():
    documented = "docker.io docker-doc docker-compose docker-compose-v2 podman-docker containerd runc"
    assert set(documented.split()) < set(PREDECESSORS)


def test_files_by_hand_are_kept_where_docker_takes_them_for_nothing():
    assert aside("/usr/bin/dockerd") == "/usr/bin/dockerd.openpai.disabled"
    plugin = next(path for path in PROGRAMS if path.endswith("/docker-compose"))
    assert aside(plugin) == "/usr/libexec/docker/cli-plugins.openpai.disabled/docker-compose"
