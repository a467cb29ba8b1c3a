"""What a node's state means, and the step it asks for."""

import json

import pytest

from cluster import Problem
from tasks.apt.facts import Binaries
from tasks.kubernetes.facts.certificates import CertificateState
from tasks.kubernetes.facts.cluster import JoinTokens, ManifestDiffers, Members, Snapshots, StrandedPods, Unready
from tasks.kubernetes.facts.kernel import KernelState
from tasks.kubernetes.facts.node import (
    ADMIN_CONF,
    BOOTSTRAP_CONF,
    CA,
    COMPONENTS,
    ETCD_DATA,
    JOIN_CONFIG,
    KUBELET_CONF,
    KUBELET_CONFIG,
    MANIFESTS,
    Api,
    ClusterVersion,
    KubernetesNode,
    Node,
    read_api,
)
from tasks.kubernetes.facts.pod_network import PodNetworkFaults
from tasks.kubernetes.steps import Step, of_master, of_worker
from tasks.reach import detached
from tests.sections import sections

SERVER, NAMED = "10.1.0.1:6443", "kubernetes-api.openpai.internal:6443"
PODS = tuple(f"{MANIFESTS}/{name}.yaml" for name in COMPONENTS)
FINISHED = frozenset({ADMIN_CONF, KUBELET_CONF, CA, ETCD_DATA, KUBELET_CONFIG, *PODS})
MEMBER = frozenset({KUBELET_CONF, CA, KUBELET_CONFIG})


@pytest.mark.parametrize(
    ("node", "step"),
    [
        (Node(), Step.INIT),
        (Node(files=frozenset({CA})), Step.RESUME),
        (Node(files=FINISHED, server=SERVER), Step.RESUME),
        (Node(files=FINISHED, server=SERVER, ready=True, missing=frozenset({"kubeadm-config"})), Step.RESUME),
        (Node(files=FINISHED, server=SERVER, ready=True, rotates=True, missing=frozenset({"coredns"})), Step.RESUME),
        (Node(files=FINISHED, server=SERVER, ready=True, rotates=True), Step.NOTHING),
        (Node(files=FINISHED, server=NAMED, ready=True, rotates=True), Step.NOTHING),
        (Node(files=FINISHED, server=SERVER, rotates=True), Step.REVIVE),
        (Node(files=FINISHED - {PODS[1]}, server=SERVER, rotates=True), Step.REWRITE),
    ],
)
def test_a_masters_step(node, step):
    assert of_master(node, [NAMED, SERVER]) is step


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node(files=frozenset({ETCD_DATA})), "its certificates"),
        (Node(files=FINISHED - {ETCD_DATA}, server=SERVER, rotates=True), "etcd's data (/var/lib/etcd) is gone"),
        (
            Node(
                files=FINISHED,
                server=SERVER,
                ready=True,
                rotates=True,
                missing=frozenset({"kubeadm-config", "coredns"}),
            ),
            "etcd holds nothing of its cluster",
        ),
        (Node(files=MEMBER, server="10.9.9.9:6443", rotates=True), "belongs to another cluster, 10.9.9.9:6443"),
    ],
)
def test_a_control_plane_is_never_initialised_over_what_is_there(node, said):
    found = of_master(node, [NAMED, SERVER])
    assert isinstance(found, Problem)
    assert said in str(found)


@pytest.mark.parametrize(
    ("node", "step"),
    [
        (Node(), Step.JOIN),
        (Node(files=frozenset({BOOTSTRAP_CONF, CA, KUBELET_CONFIG})), Step.REJOIN),
        (Node(files=MEMBER, server=SERVER, api=Api.KNOWN), Step.NOTHING),
        (Node(files=MEMBER, server=NAMED, api=Api.KNOWN), Step.NOTHING),
        (Node(files=MEMBER | {BOOTSTRAP_CONF}, server=SERVER, api=Api.KNOWN), Step.RESUME),
        (Node(files=MEMBER | {JOIN_CONFIG}, server=SERVER, api=Api.KNOWN), Step.RESUME),
        (Node(files=MEMBER, server=SERVER, api=Api.UNKNOWN), Step.REGISTER),
    ],
)
def test_a_workers_step(node, step):
    assert of_worker(node, [NAMED, SERVER]) is step


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node(files=MEMBER, server="10.9.9.9:6443", api=Api.KNOWN), "another cluster, 10.9.9.9:6443"),
        (Node(files=MEMBER, server=SERVER, api=Api.OTHER_CA), "another cluster"),
        (Node(files=MEMBER, server=SERVER, api=Api.REFUSED), "refuses this host's certificate"),
        (Node(files=MEMBER, server=SERVER, api=Api.SILENT), f"{SERVER} does not answer"),
    ],
)
def test_a_worker_of_another_cluster_is_left_alone(node, said):
    found = of_worker(node, [NAMED, SERVER])
    assert isinstance(found, Problem)
    assert said in str(found)


@pytest.mark.parametrize(
    ("said", "api"),
    [
        ("node/openpai-001", Api.KNOWN),
        ('Error from server (NotFound): nodes "openpai-001" not found', Api.UNKNOWN),
        ("error: You must be logged in to the server (Unauthorized)", Api.REFUSED),
        ('Error from server (Forbidden): nodes "b" is forbidden', Api.REFUSED),
        ("Unable to connect to the server: x509: certificate signed by unknown authority", Api.OTHER_CA),
        ("The connection to the server 10.1.0.1:6443 was refused", Api.SILENT),
        ("", Api.SILENT),
    ],
)
def test_kubectls_words(said, api):
    assert read_api(said) is api


def test_a_node_is_read_from_one_command():
    output = sections(
        running=f"{detached.PREFIX}kubeadm-init.service loaded active running sh",
        files="\n".join(FINISHED),
        server="https://10.1.0.1:6443",
        rotates=KUBELET_CONF,
        api="node/openpai-master-01 cpu=2 nvidia.com/gpu=8 ",
        ready="ok",
        missing="configmap/kubeadm-config\ndaemonset.apps/kube-proxy\ndeployment.apps/coredns\nconfigmap/cluster-info",
    )
    node = KubernetesNode().process(output)
    assert node.running == ("kubeadm-init",)
    assert (node.server, node.rotates, node.api, node.ready) == (SERVER, True, Api.KNOWN, True)
    assert (node.missing, node.manifests_missing) == (frozenset(), ())
    assert (node.allocatable("nvidia.com/gpu"), node.allocatable("amd.com/gpu")) == (8, 0)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (
            "configmap/kubeadm-config\ndeployment.apps/coredns\n"
            'Error from server (NotFound): daemonsets.apps "kube-proxy" not found\n'
            'Error from server (NotFound): configmaps "cluster-info" not found',
            {"kube-proxy", "cluster-info"},
        ),
        ("Error from server (Timeout): the server was unable to return a response in the time allotted", set()),
        ("The connection to the server 10.1.0.1:6443 was refused", set()),
    ],
)
def test_only_what_the_api_denies_is_missing(said, missing):
    """A busy API server that answers nothing must not have a finished control plane initialised again."""
    output = sections(running="", files="", server="", rotates="", api="", ready="ok", missing=said)
    assert KubernetesNode().process(output).missing == missing


def test_members_are_read_with_what_ails_them():
    ready = {"type": "Ready", "status": "True", "message": "ok"}
    late = {"type": "Ready", "status": "False", "message": "cni config uninitialized"}
    full = {"type": "DiskPressure", "status": "True", "message": "kubelet has disk pressure"}
    items = [
        {
            "metadata": {"name": name, "labels": {"pai-worker": "true"}},
            "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
            "status": {
                "conditions": conditions,
                "nodeInfo": {"kubeletVersion": "v1.20.2"},
            },
        }
        for name, conditions in (("a", [ready]), ("b", [late]), ("c", []), ("d", [ready, full]))
    ]
    members = Members().process(sections(nodes=json.dumps({"items": items})))
    assert [(one.ready, one.fault) for one in members.values()] == [
        (True, ""),
        (False, "cni config uninitialized"),
        (False, "it never reported"),
        (False, "kubelet has disk pressure"),
    ]
    assert (members["a"].version, members["a"].taints) == ("v1.20.2", {"k:NoSchedule"})


def test_pods_with_addresses_of_a_range_that_their_node_had():
    rows = [
        "Node|/a|10.200.1.0/25||||", "Node|/b|10.200.2.0/25||||", "Node|/new|||||",
        "Pod|kube-system/dns||a||Running|10.200.1.7", "Pod|kube-system/stale||b||Running|10.200.0.131",
        "Pod|default/stale||b||Pending|10.200.0.132", "Pod|default/done||b||Succeeded|10.200.0.133",
        "Pod|kube-system/proxy||b|true|Running|10.77.0.22", "Pod|default/waits||b||Pending|",
        "Pod|default/nowhere||||Pending|", "Pod|default/early||new||Running|10.200.9.9",
    ]  # fmt: skip
    assert StrandedPods().process(sections(places="\n".join(rows))) == ["kube-system/stale", "default/stale"]
    assert StrandedPods().process(sections(places="")) == []


def test_workloads_without_their_pods():
    lines = ["DaemonSet/kube-proxy 3 3", "Deployment/coredns 1 2", "DaemonSet/plugin  2", "DaemonSet/none 0 0", ""]
    assert Unready().process(sections(workloads="\n".join(lines))) == ["Deployment/coredns 1/2", "DaemonSet/plugin 0/2"]


def test_a_manifest_differs_until_the_api_server_says_otherwise():
    assert ManifestDiffers.default() is True
    assert ManifestDiffers().process(sections(manifest="same")) is False
    assert ManifestDiffers().process(sections(manifest="differs")) is True


def test_one_recorded_sum_is_read_as_well_as_several():
    output = sections(arch="arm64", sums="aa  /usr/local/bin/kubeadm", recorded="kubeadm-v1.20.2:aa")
    found = Binaries().process(output)
    assert (found.arch, found.sha256, found.recorded) == (
        "arm64",
        {"/usr/local/bin/kubeadm": "aa"},
        {"kubeadm-v1.20.2": "aa"},
    )
    assert "grep -H" in Binaries().command(paths=["/usr/local/bin/kubeadm"]).get_raw_value()


def test_swap_and_modules():
    output = sections(
        modules="overlay",
        sysctls="net.ipv4.ip_forward=1\nnet.bridge.bridge-nf-call-iptables=",
        swaps="/dev/sda2  partition 8388604 0 -2",
        target="masked",
        services="zramswap.service enabled enabled",
    )
    found = KernelState().process(output)
    assert (found.modules, found.swaps, found.swap_masked) == ({"overlay"}, ("/dev/sda2",), True)
    assert found.swap_services == ("zramswap.service",)
    assert found.sysctls == {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": ""}


def test_certificates_that_expire_and_processes_that_are_behind():
    found = CertificateState().process(sections(expiring="pki/apiserver.crt\nadmin.conf", stale="etcd"))
    assert (found.expiring, found.stale) == (("pki/apiserver.crt", "admin.conf"), ("etcd",))


def test_a_pod_network_that_says_nothing_has_no_fault():
    assert PodNetworkFaults().process(sections(faults="")) == []
    assert PodNetworkFaults().process(sections(faults="no route to the pods of b")) == ["no route to the pods of b"]
    assert PodNetworkFaults.default() != []


def test_snapshots_by_name():
    assert Snapshots().process(sections(sums="aa  20261123T120000Z-removal.db")) == {
        "20261123T120000Z-removal.db": "aa"
    }


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('{\n  "gitVersion": "v1.20.2",\n  "goVersion": "go1.15.15"\n}', "v1.20.2"),
        ("Kubernetes v1.21.14", "v1.21.14"),
        ("", ""),
    ],
)
def test_the_clusters_version(said, version):
    assert ClusterVersion().process(sections(said=said)) == version


def test_tokens_of_joins_are_told_from_others():
    tokens = "bootstrap-token-aaaaaa openpai-001-joins\nbootstrap-token-bbbbbb The operator's own"
    assert JoinTokens().process(sections(tokens=tokens)) == ["bootstrap-token-aaaaaa"]
