"""The verification's own pods, with a kubectl that says what an API server says, right after its start too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.hosts import trial_pods
from tests.hosts.connections import Connections
from tests.hosts.kubectl import Kubectl
from tests.hosts.probes import Answer, Probe
from tests.hosts.targets import Target, read
from tests.unit.hosts_fleet import make_cluster

NO_ACCOUNT = 'Error from server (NotFound): serviceaccounts "default" not found'
LOWEST_OF_A_JOB = -1_100_000_000  # OpenPAI's pai-job-minimal-priority
EVENT = {"involvedObject": {"name": "gpu-w-1"}, "type": "Warning", "message": "0/1 nodes: Insufficient nvidia.com/gpu"}


class Cluster(Kubectl):
    """An API server whose new namespaces have their default service account from the `looks`-th look on."""

    def __init__(self, dev_box: Target, looks: int):
        super().__init__(Connections(Path()), dev_box)
        self.looks = looks
        self.made: list[str] = []
        self.of_gpus: dict[str, object] = {"phase": "Succeeded"}
        self.asked: list[str] = []

    def try_(self, arguments: str, stdin: str = "", seconds: int = 60) -> Answer:
        self.asked.append(arguments)
        status, out, err = self._say(arguments, stdin)
        return Answer(Probe("kubectl", arguments), status, out, err)

    def _say(self, arguments: str, stdin: str) -> tuple[int, str, str]:
        account = sum("serviceaccount" in one for one in self.asked) >= self.looks
        if "serviceaccount" in arguments:
            return (0, "default", "") if account else (1, "", NO_ACCOUNT)
        if arguments.startswith("apply"):
            if not account:
                return 1, "", "Error from server (Forbidden): error looking up service account"
            priority, *pods = yaml.safe_load_all(stdin)
            assert priority["kind"] == "PriorityClass" and priority["value"] < LOWEST_OF_A_JOB
            assert {pod["spec"]["priorityClassName"] for pod in pods} == {priority["metadata"]["name"]}
            self.made = [pod["metadata"]["name"] for pod in pods]
        if arguments.startswith("get pods"):
            return 0, json.dumps({"items": [self._pod(name) for name in self.made]}), ""
        if arguments.startswith("get events"):
            return 0, json.dumps({"items": [EVENT]}), ""
        return 0, "GPU 0: NVIDIA A100" if arguments.startswith("logs") else "amd64", ""

    def _pod(self, name: str) -> dict[str, object]:
        status = self.of_gpus if name.startswith("gpu") else {"phase": "Running", "podIP": "10.244.1.7"}
        return {"metadata": {"name": name}, "status": status}


@pytest.fixture
def dev_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The dev box of a cluster with one worker, asked without pauses."""
    monkeypatch.setattr(trial_pods, "PAUSE", 0)
    return read(str(make_cluster(tmp_path, ["w-1"])), "dev_box")[0]


def test_pods_are_made_once_the_namespace_takes_them(dev_box: Target) -> None:
    kubectl = Cluster(dev_box, looks=3)
    with trial_pods.trial_pods(kubectl, dev_box.config, ["w-1"], gpus=True) as pods:
        assert kubectl.made == ["network-w-1", "gpu-w-1"]
        assert pods.addresses == {"w-1": "10.244.1.7"} and pods.outputs == {"w-1": "GPU 0: NVIDIA A100"}
        assert pods.phases == {"w-1": "Succeeded"} and "Insufficient" in pods.events["w-1"]
    assert kubectl.asked[-2] == f"delete namespace {pods.namespace} --wait=false"
    assert kubectl.asked[-1] == f"delete priorityclass {pods.namespace} --ignore-not-found"


def test_a_worker_whose_gpus_are_at_work_is_left_to_its_jobs(dev_box: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_pods, "BUSY", 0)
    kubectl = Cluster(dev_box, looks=1)
    message = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match node selector."
    kubectl.of_gpus = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }
    with trial_pods.trial_pods(kubectl, dev_box.config, ["w-1"], gpus=True) as pods:
        assert pods.busy == {"w-1"} and pods.phases == {"w-1": "Pending"}


def test_a_namespace_that_is_never_equipped_is_said_and_removed(
    dev_box: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_pods, "EQUIPPED", 0.01)
    kubectl = Cluster(dev_box, looks=1_000_000)
    said = rf"dev-box: found no default service account in the new namespace verify-\w+ after .*{NO_ACCOUNT[-19:]}"
    with (
        pytest.raises(pytest.fail.Exception, match=said),
        trial_pods.trial_pods(kubectl, dev_box.config, ["w-1"], gpus=False),
    ):
        pass
    assert kubectl.made == [] and kubectl.asked[-2].startswith("delete namespace")


def test_no_pods_without_workers(dev_box: Target) -> None:
    kubectl = Cluster(dev_box, looks=1)
    with trial_pods.trial_pods(kubectl, dev_box.config, [], gpus=True) as pods:
        assert pods.addresses == {}
    assert not any(one.startswith("apply") for one in kubectl.asked)
