"""The API server's name: which clusters are made with it, and where it is known."""

import pytest
from pyinfra import host

from tasks import kubernetes
from tasks.kubernetes.facts.node import KUBELET_CONF
from tests.plan.conftest import planned
from tests.plan.test_kubernetes import DEV_BOX, MASTER, NODE_FACT, WORKER, master_node, node, titles
from tests.sections import sections

TITLE = "The API server's name in /etc/hosts"
NAMED, ADDRESS = "kubernetes-api.openpai.internal:6443", "10.1.0.1:6443"


@pytest.mark.parametrize(
    ("found", "endpoint"),
    [
        (node(), NAMED),
        (master_node(), ADDRESS),
        (master_node(server=f"https://{NAMED}"), NAMED),
    ],
)
def test_a_new_cluster_has_the_name_and_one_of_before_keeps_its_address(folder, monkeypatch, found, endpoint):
    written: dict[str, dict[str, str]] = {}

    def put(name, content, dest, **more):
        written.setdefault(dest, {})[host.name] = content

    monkeypatch.setattr("tasks.kubernetes.deploy.stage.put", put)
    with planned(folder, kubernetes.install, {"openpai-master-01": {NODE_FACT: found}}):
        assert f"controlPlaneEndpoint: {endpoint}\n" in written["/etc/kubernetes/openpai-kubeadm.yaml"][MASTER]


@pytest.mark.parametrize("server", [NAMED, ADDRESS])
def test_members_by_either_are_members(folder, server):
    member = node(files=KUBELET_CONF, server=f"https://{server}", api="node/x")
    with planned(folder, kubernetes.install, {"openpai-001": {NODE_FACT: member}}) as plan:
        assert not {"The worker is a member", "What Kubernetes is here may be gone on with"} & set(
            titles(plan.operations(WORKER))
        )


def test_every_host_knows_the_name_and_cloud_inits_template_too(folder):
    told = "# manage_etc_hosts\n127.0.0.1 localhost"
    answers = {
        "dev-box": {"cat /etc/hosts": sections(hosts="127.0.0.1 localhost", template="")},
        "openpai-master-01": {"cat /etc/hosts": sections(hosts=told, template=told)},
        "openpai-001": {"cat /etc/hosts": sections(hosts=f"{told}\n10.1.0.9 {NAMED[:-5]}", template="")},
    }
    with planned(folder, kubernetes.install, answers) as plan:
        assert [TITLE in titles(plan.operations(name)) for name in (DEV_BOX, MASTER, WORKER)] == [True, True, False]
