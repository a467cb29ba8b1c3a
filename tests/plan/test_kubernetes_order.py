"""What of Kubernetes' installation waits for other hosts, and what goes on meanwhile."""

import pytest

from tasks import kubernetes
from tasks.kubernetes.facts.node import CA, KUBELET_CONF
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import DEV_BOX, MASTER, NODE_FACT, WORKER, node, titles
from tests.sections import sections


def test_hosts_of_different_roles_wait_for_each_other(host_gw):
    with planned(host_gw, kubernetes.install) as plan:
        order = titles(sorted(plan.state.op_meta[op].names)[0] for op in plan.state.get_op_order())
    steps = [
        "The control plane is up",
        "The worker is a member",
        "Kubeconfig in ~/pai-deploy/kube/config",
        "There is a backup",
        "Every node is Ready",
        "Every GPU is advertised",
        "Kubernetes is whole",
    ]
    assert [title for title in order if title in steps] == steps


def test_a_new_control_plane_comes_up_while_workers_get_their_drivers(host_gw):
    with planned(host_gw, "deploy.py") as plan:
        master = titles(plan.operations(MASTER))
        order = titles(sorted(plan.state.op_meta[op].names)[0] for op in plan.state.get_op_order())
    assert master.count("kubelet at its version") == 1
    steps = [
        "Every clock is synchronised",
        "The control plane begins",
        "The driver is loaded",
        "The kubelet runs with its configuration",
        "The control plane is up",
    ]
    order.remove("The kubelet runs with its configuration")  # the master's own
    assert [title for title in order if title in steps] == steps


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        ({}, True),
        ({"running": "openpai-deploy-kubeadm-init.service loaded active running x"}, False),
        ({"files": f"{KUBELET_CONF}\n{CA}"}, False),
    ],
)
def test_what_is_not_bare_is_left_to_the_stage_itself(host_gw, found, begins):
    with planned(host_gw, kubernetes.begin, {"openpai-master-01": {NODE_FACT: node(**found)}}) as plan:
        assert ("The control plane begins" in titles(plan.operations(MASTER))) is begins


def test_images_are_pulled_while_a_bare_host_is_made_a_node_and_never_again(host_gw):
    title, at_work = (
        "Images are pulled meanwhile",
        node(running="openpai-deploy-images.service loaded active running x"),
    )
    member = node(files=f"{KUBELET_CONF}\n{CA}", server="https://10.1.0.1:6443", api="node/x")
    answers = {"openpai-001": {NODE_FACT: member}, "openpai-002": {NODE_FACT: at_work}}
    with planned(host_gw, kubernetes.install, answers) as plan:
        assert title not in titles(plan.operations(WORKER) + plan.operations("@fake/openpai-002"))
        master, bare = titles(plan.operations(MASTER)), titles(plan.operations("@fake/openpai-003"))
        assert bare.index(title) > bare.index("Docker runs with its cgroup driver"), "which may restart Docker"
        assert master.index(title) < master.index("The control plane is up")
        pulls = [text for text in plan.texts() if "docker pull" in text]
    (paictls,) = (one for one in pulls if "/dev-box:" in one)
    assert "systemctl is-active -q openpai-deploy-images.service || {" in paictls
    pulls.remove(paictls)
    assert len(pulls) == 3 and all("kube-proxy:" in one and "openpai-deploy-images" in one for one in pulls)
    assert [one for one in pulls if "kube-apiserver:" in one] == [one for one in pulls if "rest-server:" in one] != []
    connected = {"dev-box": {"pai-deploy/kube/config": sections(sum="0" * 64, stat="600 paiadmin")}}
    with planned(host_gw, kubernetes.install, connected) as plan:
        assert title not in titles(plan.operations(DEV_BOX))
