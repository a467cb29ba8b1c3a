"""Kubernetes: nodes that are Ready, pods that reach each other, a pod that sees its GPU, no secret for all to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cluster import Cluster, Host, Role
from tests.hosts import gpus, members
from tests.hosts.certificates import certificate_probes
from tests.hosts.conftest import ahead_key, connections_key
from tests.hosts.connections import Connections
from tests.hosts.kubectl import REMEDY, Kubectl
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect, expect_answer, fail
from tests.hosts.targets import Target, applies_to, masters_and_workers
from tests.hosts.trial_pods import TrialPods, trial_pods

Answers = dict[str, Answer]
GPU = "nvidia.com/gpu"
# Whatever anybody on the host could read of Kubernetes' files, and of ours, that holds a key or a token.
READABLE = (
    "for d in /etc/kubernetes /var/lib/kubelet /var/lib/etcd /var/lib/openpai-deploy /var/backups/openpai-deploy "
    "/var/log/openpai-deploy /run/openpai-deploy /etc/cni /home/*/pai-deploy /root/pai-deploy; do "
    "setpriv --reuid 65534 --regid 65534 --clear-groups find $d -type f -readable 2>/dev/null; done | "
    "xargs -r -d '\\n' grep -lsE 'PRIVATE KEY|client-key-data|^ *token: *[^ ]' || :"
)


def _kubernetes(cluster: Cluster) -> bool:
    return cluster.config.installer != "none"


def nodes_of(cluster: Cluster, host: Host) -> bool:
    """The hosts that are Kubernetes nodes."""
    return _kubernetes(cluster) and masters_and_workers(cluster, host)


def workers_of(cluster: Cluster, host: Host) -> bool:
    """The workers, where there is a cluster."""
    return _kubernetes(cluster) and host.role is Role.WORKER


def gpu_workers_of(cluster: Cluster, host: Host) -> bool:
    """The workers with NVIDIA GPUs, where there is a cluster."""
    return workers_of(cluster, host) and cluster.config.gpu_type == "nvidia"


def kubeadm_masters(cluster: Cluster, host: Host) -> bool:
    """The master, where kubeadm made the cluster."""
    return cluster.config.installer == "kubeadm" and host.role is Role.MASTER


def every_role(cluster: Cluster, host: Host) -> bool:
    """Every host, where there is a cluster."""
    return _kubernetes(cluster)


def dev_boxes(cluster: Cluster, host: Host) -> bool:
    """The dev box, where there is a cluster."""
    return _kubernetes(cluster) and host.role is Role.DEV_BOX


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    yield Probe("readable", READABLE, seconds=60)
    if host.role is Role.DEV_BOX:
        yield Probe("kubeconfig", "stat -c %a ~/pai-deploy/kube/config", run_as=RunAs.USER)
    if host.role is Role.MASTER:
        yield from certificate_probes(cluster.config.kube_certificate_renewal_days)
    if host.role is Role.WORKER:
        yield gpus.BUS


@pytest.fixture(scope="module")
def kubectl(pytestconfig: pytest.Config, targets: tuple[Target, ...]) -> Kubectl:
    """kubectl on the dev box."""
    return Kubectl(pytestconfig.stash[connections_key], _dev_box(targets))


def _dev_box(targets: tuple[Target, ...]) -> Target:
    return Target(targets[0].cluster.dev_box, targets[0].cluster, targets[0].inventory)


@pytest.fixture(scope="module")
def nodes(kubectl: Kubectl) -> dict[str, dict[str, Any]]:
    """The cluster's nodes by name."""
    return {item["metadata"]["name"]: item for item in kubectl.json("nodes")}


def _pods(stack: ExitStack, connections: Connections, targets: tuple[Target, ...]) -> TrialPods:
    """Pods on the workers that are members, for as long as the run takes."""
    kubectl, config = Kubectl(connections, _dev_box(targets)), targets[0].config
    nodes = {item["metadata"]["name"] for item in kubectl.json("nodes")}
    workers = [target.name for target in targets if target.host.role is Role.WORKER and target.name in nodes]
    return stack.enter_context(trial_pods(kubectl, config, workers, gpus=config.gpu_type == "nvidia"))


AHEAD = {"pods": _pods}


@pytest.fixture(scope="module")
def pods(pytestconfig: pytest.Config) -> TrialPods:
    """What came of the pods."""
    return pytestconfig.stash[ahead_key].get("pods")


@applies_to(dev_boxes)
def test_kubeconfig_is_the_users_alone(target: Target, answers: Answers, nodes: dict[str, Any]) -> None:
    mode = expect_answer(
        answers["kubeconfig"], target, needed="~/pai-deploy/kube/config", remedy=f"run the deploy: {target.deploy}"
    )
    expect(
        mode == "600",
        target,
        found=f"mode {mode}",
        needed="600",
        remedy="run `chmod 600 ~/pai-deploy/kube/config` there",
    )


@applies_to(nodes_of)
def test_node_is_ready(target: Target, nodes: dict[str, Any]) -> None:
    expect(target.name in nodes, target, found="no such node", needed="a member of the cluster", remedy=REMEDY)
    ready: dict[str, Any] = next(
        (one for one in nodes[target.name]["status"]["conditions"] if one["type"] == "Ready"), {}
    )
    found = f"it {'is not Ready' if ready else 'never reported'}: {ready.get('message', '')}"
    expect(ready.get("status") == "True", target, found=found, needed="a Ready node", remedy=REMEDY)


@applies_to(lambda cluster, host: nodes_of(cluster, host) and cluster.config.installer == "kubeadm")
def test_node_is_at_the_version(target: Target, nodes: dict[str, Any]) -> None:
    expect(target.name in nodes, target, found="no such node", needed="a member of the cluster", remedy=REMEDY)
    found, wanted = nodes[target.name]["status"]["nodeInfo"]["kubeletVersion"], target.config.kubernetes_version
    expect(found == wanted, target, found=f"kubelet {found}", needed=wanted, remedy=f"run the deploy: {target.deploy}")


@applies_to(nodes_of)
def test_node_has_openpais_label(target: Target, nodes: dict[str, Any]) -> None:
    label = f"pai-{target.host.role.value}"
    expect(target.name in nodes, target, found="no such node", needed="a member of the cluster", remedy=REMEDY)
    found = nodes[target.name]["metadata"]["labels"].get(label)
    expect(found == "true", target, found=f"label {label}={found}", needed="true", remedy=f"run: {target.deploy}")


@applies_to(dev_boxes)
def test_system_pods_are_ready(target: Target, kubectl: Kubectl) -> None:
    found = members.unready(kubectl.json("-n kube-system daemonsets,deployments"))
    expect(not found, target, found=f"pods missing: {', '.join(found)}", needed="all of them ready", remedy=REMEDY)


@applies_to(lambda cluster, host: dev_boxes(cluster, host) and cluster.config.openpai_kube_network_plugin == "host-gw")
def test_pods_have_addresses_of_their_nodes(target: Target, kubectl: Kubectl, nodes: dict[str, Any]) -> None:
    found = members.stranded(nodes, kubectl(f"get pods {members.PLACES}"))
    expect(
        not found,
        target,
        found=f"pods that nothing reaches, with addresses of a range that their node had before: {', '.join(found)}",
        needed="none",
        remedy=f"run the deploy: {target.deploy}",
    )


@applies_to(kubeadm_masters)
def test_certificates_last(target: Target, answers: Answers) -> None:
    expiring, behind = (
        expect_answer(answers[name], target, needed="readable certificates", remedy=REMEDY).split()
        for name in ("expiring certificates", "processes behind")
    )
    renew = f"run: pyinfra {target.inventory.name} tasks.kubernetes.renew_certificates"
    days = target.config.kube_certificate_renewal_days
    expect(
        not expiring,
        target,
        found=f"certificates that expire within {days} days: {', '.join(expiring)}",
        needed=f"{days} days left",
        remedy=renew,
    )
    expect(
        not behind,
        target,
        found=f"{', '.join(behind)} running with certificates older than those on disk",
        needed="a restart",
        remedy=renew,
    )


@applies_to(gpu_workers_of)
def test_allocatable_gpus_are_the_hosts(target: Target, answers: Answers, nodes: dict[str, Any]) -> None:
    expect(target.name in nodes, target, found="no such node", needed="a member of the cluster", remedy=REMEDY)
    found, wanted = nodes[target.name]["status"]["allocatable"].get(GPU, "0"), len(answers["bus"].out.split())
    expect(
        int(found) == wanted,
        target,
        found=f"{found} allocatable GPUs",
        needed=f"the {wanted} of the PCI bus",
        remedy="look at: kubectl -n kube-system logs -l name=nvidia-device-plugin-ds",
    )


@applies_to(workers_of)
def test_pods_reach_each_other(target: Target, pods: TrialPods, kubectl: Kubectl, pytestconfig: pytest.Config) -> None:
    expect(
        target.name in pods.addresses,
        target,
        found=f"its pod does not run: {pods.events.get(target.name, 'no word why')}",
        needed="a pod with an address",
        remedy=REMEDY,
    )
    service = kubectl("get service kubernetes -o jsonpath='{.spec.clusterIP}'")
    aims = {f"the pod on {name}": (address, 7) for name, address in pods.addresses.items() if name != target.name}
    aims["the API's service address"] = (service, 443)
    pod = {"pod.name": f"network-{target.name}", "pod.namespace": pods.namespace, "container.name": "network"}
    filters = " ".join(f"--filter label=io.kubernetes.{key}={value}" for key, value in pod.items())
    inside = f"id=$(docker ps -q {filters}) && nsenter -n -t $(docker inspect -f '{{{{.State.Pid}}}}' $id)"
    questions = [
        # Nothing listens in the trial pods: that a pod refuses the connection shows that it was reached.
        Probe(aim, f"{inside} timeout 5 bash -c '</dev/tcp/{address}/{port}' 2>&1 | grep -v refused; [ $? = 1 ]")
        for aim, (address, port) in aims.items()
    ]
    answers = pytestconfig.stash[connections_key].ask(target, questions)
    missed = [f"{aim} ({aims[aim][0]}): {answer.problem}" for aim, answer in answers.items() if not answer.ok]
    if missed:
        fail(target, f"a pod here does not reach {'; '.join(missed)}; {REMEDY}")


@applies_to(gpu_workers_of)
def test_pod_sees_one_gpu(target: Target, pods: TrialPods) -> None:
    if target.name in pods.busy:
        # Neither seen nor a fault: jobs run on them, and a test takes no GPU from a job.
        pytest.skip(f"{target.name}: all of its GPUs are at work, and none is taken from a job for this")
    phase, said = pods.phases.get(target.name, "missing"), pods.outputs.get(target.name, "")
    expect(
        phase == "Succeeded",
        target,
        found=f"a pod that asks for one GPU is {phase}: {pods.events.get(target.name) or said or 'no word why'}",
        needed="it to run nvidia-smi",
        remedy=REMEDY,
    )
    seen = [line for line in said.splitlines() if line.startswith("GPU ")]
    expect(len(seen) == 1, target, found=f"{len(seen)} GPUs in that pod", needed="the one it asked for", remedy=REMEDY)


@applies_to(every_role)
def test_no_secret_is_world_readable(target: Target, answers: Answers) -> None:
    found = expect_answer(answers["readable"], target, needed="a walk over Kubernetes' files", remedy=REMEDY)
    expect(
        not found,
        target,
        found=f"secrets that every user of the host can read: {', '.join(found.split())}",
        needed="none",
        remedy="run `chmod o-r` on them and find out who made them",
    )
