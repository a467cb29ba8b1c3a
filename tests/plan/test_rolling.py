"""Changes that roll: the order of hosts, what stops them, what a plain deploy leaves to them, and what is taken up."""

from __future__ import annotations

import pytest
from pyinfra import host, logger
from pyinfra.api.exceptions import PyinfraError
from pyinfra.operations import server

from tasks import docker, gpu, kubernetes, rolling
from tasks.kubernetes.marks import Mark, Stage
from tasks.kubernetes.operations import service
from tasks.reach import cluster_host, role_of
from tests.plan import fake_cluster, gpu_answers
from tests.plan.conftest import planned
from tests.plan.fake_cluster import MASTER, NODE, WORKERS, configure
from tests.plan.test_docker import has
from tests.sections import sections


@pytest.fixture
def cluster(monkeypatch, folder):
    """Four workers and a master that roll two at a time."""
    return fake_cluster.installed(monkeypatch, folder)


def rolled(folder, cluster, **given) -> set[str]:
    """Roll to the end; the hosts that failed."""
    logger.propagate = True
    with planned(folder, lambda: kubernetes.roll(cluster.due_here, cluster.change), **given) as plan:
        plan.run()
        return {cluster_host(each).name for each in plan.state.failed_hosts}


def turns(cluster) -> list[str]:
    """The names of the hosts in the order in which they were changed."""
    return [event.removeprefix("change ") for event in cluster.events if event.startswith("change ")]


def test_each_host_is_drained_changed_and_back_before_the_next_batch_begins(folder, cluster):
    assert rolled(folder, cluster) == set()
    first = [f"{step} {WORKERS[0]}" for step in ("draining", "drain", "changing", "change", "back")]
    assert cluster.events[:5] == first
    middle, last = cluster.events[5:15], cluster.events[20:]
    assert {event.split()[1] for event in middle} == set(WORKERS[1:3])
    assert last == [f"{step} {MASTER}" for step in ("draining", "drain", "changing", "change", "back")]
    assert not cluster.cordoned


def test_where_nothing_is_due_nothing_is_done(folder, cluster):
    cluster.due = set()
    assert rolled(folder, cluster) == set()
    assert cluster.events == []


def test_a_canary_that_fails_stays_out_of_service_and_stops_the_rest_with_its_reason(folder, cluster, caplog):
    cluster.broken = {WORKERS[0]}
    assert rolled(folder, cluster) == {*WORKERS, MASTER}
    assert turns(cluster) == [WORKERS[0]]
    assert cluster.cordoned == {WORKERS[0]}
    assert caplog.text.count(f"left alone: the canary {WORKERS[0]} failed: its GPUs are gone") == 4


def test_a_command_that_fails_is_named_with_its_last_words(folder, cluster, caplog):
    logger.propagate = True
    fails = {"change-it": {"success": False, "stderr": ["first", "no space left on device", ""]}}

    def change():
        server.shell(name="Change", commands=["change-it"])

    with planned(folder, lambda: kubernetes.roll(cluster.due_here, change), {WORKERS[0]: fails}) as plan:
        plan.run()
    assert f"left alone: the canary {WORKERS[0]} failed: `Change` failed (no space left on device)" in caplog.text


def test_containers_that_are_no_pods_keep_their_node_out_of_it(folder, cluster, caplog):
    logger.propagate = True
    theirs = has({}, containers="1 k8s_web_1\n2 notebook")
    with planned(folder, lambda: kubernetes.roll(cluster.due_here, cluster.change), {WORKERS[1]: theirs}) as plan:
        plan.run()
        assert [cluster_host(each).name for each in plan.state.failed_hosts] == [WORKERS[1]]
    assert WORKERS[1] not in turns(cluster)
    assert "left alone: containers run that are no pods: notebook" in caplog.text


def test_a_failure_too_many_ends_it_after_its_batch(folder, cluster, caplog):
    cluster.broken = {WORKERS[1]}
    assert rolled(folder, cluster) == {WORKERS[1], WORKERS[3], MASTER}
    assert sorted(turns(cluster)) == WORKERS[:3]
    assert f"left alone: 1 hosts failed, 0 may (rolling_max_failures): {WORKERS[1]}: its GPUs are gone" in caplog.text


def test_as_many_may_fail_as_the_config_says(folder, cluster):
    configure(folder, rolling_max_failures=1)
    cluster.broken = {WORKERS[1]}
    assert rolled(folder, cluster) == {WORKERS[1]}
    assert sorted(turns(cluster)) == [*WORKERS, MASTER]


def test_a_change_that_leaves_something_due_is_a_failure(folder, cluster, caplog):
    cluster.change = lambda: None
    assert MASTER in rolled(folder, cluster)
    assert "after its change still: a change" in caplog.text


def test_the_cordon_of_somebody_else_stays_and_its_node_is_left_out_by_name(folder, cluster, caplog):
    cluster.cordoned = {WORKERS[1]}
    assert rolled(folder, cluster) == {WORKERS[1]}
    assert cluster.cordoned == {WORKERS[1]}
    assert WORKERS[1] not in turns(cluster)
    assert "not changed: somebody else has cordoned it" in caplog.text


def test_a_job_is_waited_for_and_ends_by_itself(folder, cluster, monkeypatch, caplog):
    configure(folder, drain_wait=60)
    cluster.pods = {name: ["team/train Job"] for name in (*WORKERS, MASTER)}
    looks: list[str] = []

    def ask(of, command, stdin=None):
        text = str(command)
        if "get pods" in text and f"spec.nodeName={WORKERS[0]}" in text:
            looks.append(text)
            if len(looks) == 3:
                cluster.events.append("the job ends")
                cluster.pods = {}
        return cluster.ask(of, command, stdin)

    monkeypatch.setattr(service, "ask", ask)
    with caplog.at_level("INFO", logger="pyinfra"):
        assert rolled(folder, cluster) == set()
    assert cluster.events[:3] == [f"draining {WORKERS[0]}", "the job ends", f"drain {WORKERS[0]}"]
    assert f"for jobs on {WORKERS[0]} to end: team/train" in caplog.text


def test_a_job_that_does_not_end_keeps_its_node_in_service_and_is_named(folder, cluster, caplog):
    cluster.pods = {WORKERS[1]: ["team/train Job"]}
    assert rolled(folder, cluster) == {WORKERS[1]}
    assert sorted(turns(cluster)) == [WORKERS[0], WORKERS[2], WORKERS[3], MASTER] and not cluster.cordoned
    assert "not changed, and back in service: team/train did not end within 0 s (drain_wait)" in caplog.text


def test_a_job_is_ended_on_the_operators_word(folder, cluster):
    cluster.pods = {WORKERS[1]: ["team/train Job"]}
    assert rolled(folder, cluster, allow_disruption="yes") == set()
    assert WORKERS[1] in turns(cluster)


def test_pods_that_their_budget_keeps_are_named_and_their_node_is_back(folder, cluster, caplog):
    cluster.pods, cluster.stuck = {WORKERS[2]: ["web/a ReplicaSet", "kube-system/proxy DaemonSet"]}, {WORKERS[2]}
    assert rolled(folder, cluster) == {WORKERS[2]}
    assert not cluster.cordoned
    assert "back in service: web/a did not leave within 180 s (global timeout reached)" in caplog.text


def test_an_api_server_that_is_silent_forbids_everything(folder, cluster):
    cluster.down = True
    with pytest.raises(PyinfraError, match="no host was changed: the API server does not say"):
        rolled(folder, cluster)
    assert cluster.events == []


@pytest.mark.parametrize("stage", Stage)
def test_what_a_killed_run_left_out_of_service_is_taken_up_first(folder, cluster, stage):
    """Killed while the pods left, it is drained (again); killed later, its pods have left."""
    left = WORKERS[3]
    cluster.marks, cluster.cordoned = {left: Mark("a change", "then", stage).text()}, {left}
    cluster.due.discard(left)
    assert rolled(folder, cluster) == set()
    assert turns(cluster)[0] == left and sorted(turns(cluster)) == sorted([*WORKERS, MASTER])
    assert (f"drain {left}" in cluster.events) is (stage is Stage.DRAINING)
    assert not cluster.cordoned


def test_a_plain_deploy_names_what_has_to_wait_and_leaves_it_alone(folder, caplog):
    """On nodes in service; bare hosts, and those of another installer, get it at once."""
    logger.propagate = True
    configure(folder, docker_version='"28"', nvidia_driver="apt", nvidia_driver_version='"550"')
    old = {**has({"docker-ce": "5:20.10.24~3", "docker-ce-cli": "5:20.10.24~3", "containerd.io": "1.6"}), **NODE}
    old = {"modinfo -F": gpu_answers.RUNNING, "nvidia-container-toolkit": sections(packages=""), **old}

    def stages():
        if role_of(host).value == "worker":
            docker.install()
            gpu.install_driver()
            gpu.install_runtime()

    with planned(folder, stages, {WORKERS[0]: old}) as plan:
        plan.run()
        node, bare = (plan.commands(f"@fake/{name}") for name in WORKERS[:2])
    assert not [command for command in node if "apt/refresh.sh" in command]
    assert [command for command in bare if "apt/refresh.sh" in command]
    for due in (
        "docker-ce 20.10.24 must become 28",
        "driver 535.183.01 must become 550",
        "nvidia-container-toolkit none",
    ):
        assert f"waits for its turn: {due}" in caplog.text


def test_a_restart_of_docker_waits_on_a_node_in_service(folder, caplog):
    logger.propagate = True
    stale = has({"docker-ce": "5:20.10.24~3", "docker-ce-cli": "5:20.10.24~3", "containerd.io": "1.6"}, live=True)
    asked = "systemctl show docker.service"
    stale[asked] = [line.replace("900.25", "990.25") for line in stale[asked]]
    answers = {WORKERS[0]: {**NODE, **stale}, WORKERS[1]: stale}
    with planned(folder, lambda: docker.settled(name="Settled"), answers) as plan:
        plan.run()
        node, other = (plan.commands(f"@fake/{name}") for name in WORKERS[:2])
    restart = "docker/restart.sh"
    assert [restart in " ".join(commands) for commands in (node, other)] == [False, True]
    assert "waits for its turn: Docker must be restarted" in caplog.text


def test_nodes_of_another_installer_are_not_rolled(folder, caplog):
    logger.propagate = True
    configure(folder, installer="none")
    with planned(folder, rolling.change) as plan:
        plan.run()
        assert {each.name for each in plan.state.failed_hosts} == {f"@fake/{MASTER}"}
    assert "installer: none" in caplog.text


def test_the_real_change_comes_with_its_proof(folder, cluster):
    configure(folder, gpu_type="nvidia")
    cluster.due = {WORKERS[0]}
    due = {"modinfo -F": gpu_answers.RUNNING} | has({}) | NODE
    with planned(folder, rolling.change, {WORKERS[0]: due}) as plan:
        names = [name.removeprefix("Rolling change | ") for name in plan.all_operations(f"@fake/{WORKERS[0]}")]
    steps = [
        "The change may go on", "The node is out of service", "Its change begins",
        "Docker | Docker packages, at their version and held", "GPU driver | The driver is loaded",
        "GPU container runtime | Docker runs with it", "GPUs in a container | A container sees every GPU",
        "Nothing is due any more", "Every GPU is advertised", "The node is back in service",
    ]  # fmt: skip
    assert [name for name in names if name in steps] == steps
