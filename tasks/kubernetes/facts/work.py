"""What runs on nodes: pods that may be moved, jobs that are waited for, and what stays with the node.

pyinfra has no facts for Kubernetes.
"""

from dataclasses import dataclass

from pyinfra.api import QuoteString, StringCommand

from cluster.words import StrEnum
from tasks.kubernetes.facts.node import KUBECTL

# The autoscaler's annotation, known beyond it, by which the owner of a pod says that it is not to be evicted.
UNDISTURBED = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_LINES = (
    r"{range .items[*]}{.metadata.namespace}/{.metadata.name}|{.spec.nodeName}|{.status.phase}|"
    r"{.metadata.ownerReferences[*].kind}|{.metadata.annotations.kubernetes\.io/config\.mirror}|"
    r"{.metadata.annotations.cluster-autoscaler\.kubernetes\.io/safe-to-evict}"
    r'{"\n"}{end}'
)
# What makes a pod anew elsewhere when it is evicted.
_REPLACED = {"ReplicaSet", "ReplicationController", "StatefulSet"}


class Kind(StrEnum):
    """What becomes of a pod when its node is drained."""

    STAYS = "stays"
    """A DaemonSet's, or the kubelet's own."""
    MOVES = "moves"
    """Evicted: its owner makes another."""
    JOB = "job"
    """Waited for: what it has done would be lost."""


@dataclass(frozen=True)
class Pod:
    """A pod that has not ended, as namespace/name, on a node."""

    name: str
    node: str
    kind: Kind


def list_pods(node: str | None = None) -> StringCommand:
    """The command for read_pods(): all pods, or those of one node."""
    selected = [QuoteString(f"--field-selector=spec.nodeName={node}")] if node else []
    return StringCommand(f"{KUBECTL} get pods --all-namespaces -o", QuoteString(f"jsonpath={_LINES}"), *selected)


def read_pods(listed: str) -> list[Pod]:
    """The pods that have a node and have not ended."""
    pods = []
    for line in listed.splitlines():
        name, node, phase, owners, mirror, safe = line.split("|")
        if node and phase not in ("Succeeded", "Failed"):
            pods.append(Pod(name, node, _kind(set(owners.split()), bool(mirror), safe)))
    return pods


def _kind(owners: set[str], mirror: bool, safe: str) -> Kind:
    if mirror or "DaemonSet" in owners:
        return Kind.STAYS
    # A Job's, a Framework's of OpenPAI (its ConfigMap's), and one of nobody's are not made anew as they were.
    return Kind.MOVES if owners & _REPLACED and safe != "false" else Kind.JOB
