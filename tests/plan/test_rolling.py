"""Changes that roll: the order of hosts, what stops them, what a plain deploy leaves to them, and what is taken up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyinfra import host, logger
from pyinfra.api import FunctionCommand, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from tasks import docker, gpu, kubernetes, rolling
from tasks.kubernetes.deploy import node
from tasks.kubernetes.deploy import rolling as deploy
from tasks.kubernetes.marks import CORDONED, Mark, Stage
from tasks.kubernetes.operations import service
from tasks.reach import cluster_host, has_turn, role_of, stop
from tests.plan import gpu_answers
from tests.plan.conftest import planned
from tests.plan.test_docker import has
from tests.sections import sections

WORKERS = [f"openpai-{number:03d}" for number in range(1, 5)]
MASTER = "openpai-master-01"
NODE = {"section credentials": sections(credentials="/etc/kubernetes/kubelet.conf")}


@dataclass
class FakeCluster:
    """A cluster as its API server has it, and what happened to it, in order; `stuck` are nodes that no pod leaves."""

    pods: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, str | None] = field(default_factory=dict)
    cordoned: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    due: set[str] = field(default_factory=lambda: {*WORKERS, MASTER})
    broken: set[str] = field(default_factory=set)
    down: bool = False

    def ask(self, of: Any, command: str | StringCommand, stdin: Any = None) -> str:
        """In place of a kubectl on the master."""
        text = command.get_raw_value() if isinstance(command, StringCommand) else command
        if self.down:
            raise PyinfraError("the connection to the server was refused")
        if "get nodes -o json" in text:
            return json.dumps({"items": [self._node(name) for name in (*WORKERS, MASTER)]})
        if "get pods" in text:
            found = re.search(r"spec\.nodeName=(\S+?)'?$", text)
            names = [found[1]] if found else [*WORKERS, MASTER]
            return "".join(
                f"{pod.replace(' ', f'|{name}|Running|')}||\n" for name in names for pod in self.pods.get(name, [])
            )
        if " drain " in text:
            return self._drain(next(name for name in (*WORKERS, MASTER) if f" {name} " in text))
        if "patch node" in text:
            self._patch(text)
        return "boot\n"

    def _node(self, name: str) -> dict[str, Any]:
        mark = self.marks.get(name)
        return {
            "metadata": {"name": name, "annotations": {CORDONED: mark} if mark else {}},
            "spec": {"unschedulable": True} if name in self.cordoned else {},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeletVersion": "v1.20.15"},
            },
        }

    def _drain(self, name: str) -> str:
        if name in self.stuck:
            raise PyinfraError("global timeout reached")
        self.pods[name] = []
        self.events.append(f"drain {name}")
        return ""

    def _patch(self, text: str) -> None:
        name = re.search(r"patch node (\S+)", text)[1]  # type: ignore[index]
        patch = json.loads(re.search(r"-p '(.*?)' >", text)[1].replace("'\"'\"'", "'"))  # type: ignore[index]
        mark = patch["metadata"]["annotations"][CORDONED]
        self.marks[name] = mark
        (self.cordoned.add if patch["spec"]["unschedulable"] else self.cordoned.discard)(name)
        self.events.append(f"{json.loads(mark)['stage'] if mark else 'back'} {name}")

    def due_here(self) -> list[str]:
        """What is due on the host of the context."""
        return ["a change"] if cluster_host(host).name in self.due else []

    def change(self) -> None:
        """The change of the host of the context."""
        assert has_turn(host)
        _changed(name="Change", of=self)


@operation()
def _changed(of: FakeCluster):
    def apply(state: Any, host: Any) -> bool:
        name = cluster_host(host).name
        of.events.append(f"change {name}")
        of.due.discard(name)
        return True

    yield FunctionCommand(apply, (), {})
    if cluster_host(host).name in of.broken:
        yield stop("its GPUs are gone")


@pytest.fixture
def cluster(monkeypatch, folder):
    """Four workers and a master that roll two at a time, without their pod network and GPUs."""
    made = FakeCluster()
    monkeypatch.setattr(service, "ask", made.ask)
    monkeypatch.setattr(deploy, "ask", made.ask)
    monkeypatch.setattr(service, "_LOOK", 0.01)
    configure(folder, rolling_batch='"2"', drain_wait=0, gpu_type="amd")
    return made


def configure(folder, **keys):
    """These keys in config.yaml, in place of what it says of them."""
    path = folder / "config.yaml"
    kept = [line for line in path.read_text().splitlines() if line.split(":")[0] not in keys]
    path.write_text("\n".join([*kept, *(f"{key}: {value}" for key, value in keys.items()), ""]))
    path.chmod(0o600)


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


OLD, NEW = "v1.20.14", "v1.20.15"


def of_version(kubelet: str, control_plane: str = "") -> dict[str, Any]:
    """The answers of a node whose programs are of these versions, in a cluster of that of its control plane."""
    found = sections(kubelet=f"Kubernetes {kubelet}", images=control_plane)
    return {**NODE, "section kubelet": found, "get --raw /version": sections(said=f'"gitVersion": "{OLD}"')}


def test_kubernetes_is_upgraded_on_the_master_first_and_then_node_by_node(folder, cluster):
    answers = {name: of_version(OLD) for name in WORKERS} | {MASTER: of_version(OLD, OLD)}
    with planned(folder, kubernetes.upgrade, answers) as plan:
        order = plan.state.get_op_order()
        drains = [
            op for op in order if "Kubernetes, upgrade | The node is out of service" in plan.state.op_meta[op].names
        ]
        hosts = [
            {cluster_host(each).name for each in plan.state.inventory if op in plan.state.ops[each]} for op in drains
        ]
        steps = [name.rpartition(" | ")[2] for name in plan.all_operations(f"@fake/{MASTER}")]
        worker = [name.rpartition(" | ")[2] for name in plan.all_operations(f"@fake/{WORKERS[0]}")]
    assert hosts == [{MASTER}, {WORKERS[0]}, set(WORKERS[1:3]), {WORKERS[3]}]
    expected = ["The version can be reached", "The node is out of service", "The control plane at its version"]
    assert [step for step in steps if step in expected] == expected
    assert "The control plane at its version" not in worker and "The node's configuration of this version" in worker


def test_an_upgrade_that_is_not_possible_touches_no_node(folder, cluster, caplog):
    """The master, first of all, says why; that is the others' reason too."""
    logger.propagate = True
    configure(folder, kubernetes_version="v1.20.13")
    answers = {name: of_version(OLD) for name in WORKERS} | {MASTER: of_version(OLD, OLD)}
    with planned(folder, kubernetes.upgrade, answers) as plan:
        plan.run()
        assert len(plan.state.failed_hosts) == 5
    assert cluster.events == []
    assert f"left alone: the canary {MASTER} could not be begun with: the cluster runs {OLD}" in caplog.text


def test_a_plain_deploy_leaves_another_kubelet_to_the_upgrade(folder, caplog):
    logger.propagate = True
    behind = of_version(OLD) | {"get --raw /version": sections(said=f'"gitVersion": "{NEW}"')}

    def prepare():
        if role_of(host).value == "worker":
            node.prepare()

    with planned(folder, prepare, {WORKERS[0]: behind}) as plan:
        names = [plan.all_operations(f"@fake/{name}") for name in WORKERS[:2]]
    assert [any("kubelet at its version" in name for name in each) for each in names] == [False, True]
    assert (
        f"kubelet {OLD} must become {NEW}; to have it changed: pyinfra INVENTORY tasks.kubernetes.upgrade"
        in caplog.text
    )
