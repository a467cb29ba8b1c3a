"""The control plane on the master: brought up once, finished if a run was killed, revived if it is down.

pyinfra has no operations for kubeadm.
"""

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from cluster import Problem
from tasks.kubernetes.facts.node import KUBECTL, KubernetesNode
from tasks.kubernetes.operations.etcd import snapshot
from tasks.kubernetes.steps import Step, of_master
from tasks.reach import DIRECT, Commands, config_of, detached, script, stop, until

CONFIG = "/etc/kubernetes/openpai-kubeadm.yaml"
INIT = "kubeadm-init"
# What kubeadm's first check holds against a half-finished init of our own.
OWN_TRACES = (
    "DirAvailable--var-lib-etcd", "FileAvailable--etc-kubernetes-manifests-etcd.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml",
    "FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml",
    "Port-6443", "Port-10250", "Port-10257", "Port-10259", "Port-2379", "Port-2380",
)  # fmt: skip


@operation()
def begun(node_name: str, servers: list[str], ignore: list[str]) -> Commands:
    """Start the init of a bare master, and leave it at work for up() to wait for."""
    node = host.get_fact(KubernetesNode, node=node_name, master=True)
    if INIT not in node.running and of_master(node, servers) is Step.INIT:
        yield detached.started(INIT, _init(ignore))


@operation()
def up(node_name: str, servers: list[str], ignore: list[str]) -> Commands:
    """Have the control plane answer, from whatever state the master is in.

    `servers` are the names that its kubeconfigs may give it, `ignore` names kubeadm's checks to pass over.
    """
    node = host.get_fact(KubernetesNode, node=node_name, master=True)
    if INIT in node.running:
        yield detached.wait(INIT)
        node = host.get_fact(KubernetesNode, node=node_name, master=True)
    step = of_master(node, servers)
    if isinstance(step, Problem):
        yield stop(step)
    elif step is Step.INIT:
        yield detached.command(INIT, _init(ignore))
    elif step is Step.RESUME:
        if node.ready:
            yield snapshot("resume")
        yield detached.command(INIT, _init([*ignore, *OWN_TRACES]))
    elif step in (Step.REWRITE, Step.REVIVE):
        if step is Step.REWRITE:
            phases = ("etcd local", "control-plane all")
            yield StringCommand(
                " && ".join(f"{DIRECT} kubeadm init phase {phase} --config {CONFIG}" for phase in phases)
            )
        yield StringCommand("systemctl start docker.service kubelet.service")
        yield answering(config_of(host).kubernetes_timeout)


def _init(ignore: list[str]) -> StringCommand:
    return StringCommand(f"{DIRECT} kubeadm init --config {CONFIG} --skip-token-print", *passing(ignore))


def passing(ignore: list[str]) -> list[QuoteString]:
    """kubeadm's option to pass over the checks `ignore`, if there are any."""
    return [QuoteString(f"--ignore-preflight-errors={','.join(ignore)}")] if ignore else []


def answering(timeout: int) -> StringCommand:
    """Wait for the API server; when it stays silent, say which component is down and in which words it went."""
    said = StringCommand("echo 'the control plane does not come back:';", script("kubernetes/control-plane-faults.sh"))
    return until(f"{KUBECTL} get --raw /readyz 2>/dev/null | grep -qx ok", timeout, said, pause=2)
