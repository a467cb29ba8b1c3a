"""A node around a reboot of its host: whose cordon it is, when it is drained, and when it is back."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api import StringCommand
from pyinfra.api.exceptions import PyinfraError

from tasks.kubernetes.facts.cluster import CORDONED
from tasks.kubernetes.operations import service

WORKER, MASTER = "openpai-001", "openpai-master-01"


def node(cordoned: bool, annotations: dict[str, str]) -> str:
    item: dict[str, Any] = {
        "metadata": {"name": WORKER, "annotations": annotations},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"conditions": [], "nodeInfo": {"kubeletVersion": "v1.20.15"}},
    }
    return json.dumps({"items": [item]})


@pytest.fixture
def cluster(monkeypatch):
    """What the master and the worker are asked; `node` is the API's, `fails` a word of commands that fail."""
    seen = SimpleNamespace(said=[], node=node(False, {}), kubelet="/etc/kubernetes/kubelet.conf", fails="nothing")

    def ask(host, command):
        text = command.get_raw_value() if isinstance(command, StringCommand) else command
        if "ls /etc/kubernetes/kubelet.conf" in text:
            return seen.kubelet
        seen.said.append(next(word for word in STEPS if word in text))
        if seen.fails in text:
            raise PyinfraError(f"{host.name}: it failed")
        return seen.node if "get nodes" in text else "new-boot\n"

    monkeypatch.setattr(service, "ask", ask)
    monkeypatch.setattr(service, "the_master", lambda host: SimpleNamespace(name=MASTER))
    monkeypatch.setattr(service, "cluster_host", lambda host: SimpleNamespace(name=WORKER))
    monkeypatch.setattr(service, "config_of", lambda host: SimpleNamespace(kubernetes_timeout=9))
    return seen


# The steps as their commands show them; the last command waits and uncordons in one.
STEPS = ("grep -qx", "get nodes", "boot_id", " drain ", '"unschedulable": true', '"unschedulable": null')
CORDON, DRAIN, BOOT, BACK, UNDO = STEPS[4], STEPS[3], STEPS[2], STEPS[0], STEPS[5]


def around(cluster, lost: bool = False) -> list[str]:
    """What is said while a host reboots in it; the reboot itself as `reboot`."""
    warnings: list[str] = []
    host: Any = SimpleNamespace(name=WORKER, log=lambda message, *_: warnings.append(message))
    with service.out_of_service(host):
        cluster.said.append("reboot")
        if lost:
            raise RuntimeError("it did not come back")
    cluster.warnings = warnings
    return cluster.said[1:]


def test_a_node_is_cordoned_and_drained_before_and_back_after_it_is_ready_in_its_new_boot(cluster):
    assert around(cluster) == [CORDON, DRAIN, "reboot", BOOT, BACK]


def test_a_host_that_is_no_node_is_asked_no_more_than_that(cluster):
    cluster.kubelet = ""
    around(cluster)
    assert cluster.said == ["reboot"]


def test_the_cordon_of_somebody_else_stays(cluster):
    cluster.node = node(True, {})
    assert around(cluster) == [DRAIN, "reboot"]


def test_a_cordon_that_a_killed_run_of_ours_left_is_taken_for_our_own(cluster):
    cluster.node = node(True, {CORDONED: "for a reboot"})
    assert around(cluster) == [CORDON, DRAIN, "reboot", BOOT, BACK]


def test_pods_that_stay_keep_the_host_up_and_the_node_in_service(cluster):
    cluster.fails = DRAIN
    with pytest.raises(PyinfraError, match=r"did not leave within 180 s .*; see: kubectl get pods .*get pdb -A"):
        around(cluster)
    assert cluster.said[1:] == [CORDON, DRAIN, UNDO]


def test_pods_that_stay_leave_the_cordon_of_somebody_else_alone(cluster):
    cluster.fails, cluster.node = DRAIN, node(True, {})
    with pytest.raises(PyinfraError):
        around(cluster)
    assert cluster.said[1:] == [DRAIN]


def test_a_host_that_does_not_come_back_stays_cordoned(cluster):
    with pytest.raises(RuntimeError):
        around(cluster, lost=True)
    assert cluster.said[1:] == [CORDON, DRAIN, "reboot"]


def test_a_node_that_is_not_ready_in_time_stays_cordoned_and_the_deploy_goes_on(cluster):
    cluster.fails = BACK
    around(cluster)
    assert "stays cordoned until a deploy finds it so" in cluster.warnings[-1]
