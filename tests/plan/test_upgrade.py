"""Kubernetes brought to another version: the master first, then node by node, or nobody."""

from __future__ import annotations

from typing import Any

import pytest
from pyinfra import host, logger

from tasks import kubernetes
from tasks.kubernetes.deploy import node
from tasks.reach import cluster_host, role_of
from tests.plan import fake_cluster
from tests.plan.conftest import planned
from tests.plan.fake_cluster import MASTER, NODE, WORKERS, configure
from tests.sections import sections

OLD, NEW = "v1.20.14", "v1.20.15"


def of_version(kubelet: str, control_plane: str = "") -> dict[str, Any]:
    """The answers of a node whose programs are of these versions, in a cluster of that of its control plane."""
    found = sections(kubelet=f"Kubernetes {kubelet}", images=control_plane)
    cluster = sections(said=f'"gitVersion": "{OLD}"')
    docker = sections(served="1.12 1.41")
    return {**NODE, "section kubelet": found, "get --raw /version": cluster, "section served": docker}


@pytest.fixture
def cluster(monkeypatch, folder):
    """Four workers and a master that roll two at a time."""
    return fake_cluster.installed(monkeypatch, folder)


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
