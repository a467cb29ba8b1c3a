"""What a node's state asks for: the decisions of kubeadm's installer. Pure: a Node in, a step or a problem out."""

from enum import Enum

from cluster import Problem
from tasks.kubernetes.facts.node import BOOTSTRAP_CONF, CA, ETCD_DATA, JOIN_CONFIG, KUBELET_CONF, Api, Node

RESET_BY_HAND = "if nothing on it is worth keeping, run `kubeadm reset -f` there and start again"
RESTORE = "restore a snapshot: docs/kubernetes.md, Restore"


class Step(Enum):
    """What to do next on a node."""

    NOTHING = "nothing"
    INIT = "init"
    RESUME = "resume"
    REWRITE = "rewrite"
    REVIVE = "revive"
    JOIN = "join"
    REJOIN = "rejoin"
    REGISTER = "register"


def of_master(node: Node, servers: list[str]) -> Step | Problem:
    """The step that brings up the control plane, known by one of `servers` (name:port), or keeps it up.

    A finished control plane is never initialised again: what its disk shows decides, not whether it answers.
    """
    if node.ready:
        # Complete once, and now without its init's first object: etcd began anew on an empty disk.
        if node.rotates and "kubeadm-config" in node.missing:
            return Problem(
                "this control plane was complete, but etcd holds nothing of its cluster", RESTORE, cause="etcd-lost"
            )
        return Step.RESUME if node.missing else Step.NOTHING
    if node.untouched:
        return Step.INIT
    foreign = of_another_cluster(node, servers)
    if foreign:
        return foreign
    if ETCD_DATA in node.files and CA not in node.files:
        gone = f"etcd holds a cluster's data, but its certificates ({CA} and others) are gone"
        return Problem(gone, "restore them from a backup: docs/day2.md, Backups", cause="certificates-lost")
    # kubeadm's last step but one points the kubelet at its rotating certificate.
    if not node.rotates:
        return Step.RESUME
    if ETCD_DATA not in node.files:
        return Problem(
            "this control plane was complete, but etcd's data (/var/lib/etcd) is gone", RESTORE, cause="etcd-lost"
        )
    return Step.REWRITE if node.manifests_missing else Step.REVIVE


def of_worker(node: Node, servers: list[str]) -> Step | Problem:
    """The step that makes a worker a member of the cluster whose API is known by one of `servers`, or keeps it one."""
    if KUBELET_CONF not in node.files:
        return Step.JOIN if node.untouched else Step.REJOIN
    if node.server not in servers or node.api is Api.OTHER_CA:
        return _foreign(node)
    if node.api is Api.KNOWN:
        return Step.RESUME if node.files & {BOOTSTRAP_CONF, JOIN_CONFIG} else Step.NOTHING
    if node.api is Api.UNKNOWN:
        return Step.REGISTER
    if node.api is Api.REFUSED:
        refused = "the API server refuses this host's certificate (expired, or the host was removed from the cluster)"
        return Problem(refused, RESET_BY_HAND, cause="worker-refused")
    silent = f"the API server at {node.server} does not answer this host"
    return Problem(silent, "check the network between them and the master's state", cause="api-server-silent")


def of_another_cluster(node: Node, servers: list[str]) -> Problem | None:
    """The refusal of a host whose kubelet is set up for another API than `servers`."""
    return _foreign(node) if node.server and node.server not in servers else None


def _foreign(node: Node) -> Problem:
    fix = f"{RESET_BY_HAND}; if kube_api_name was changed, set it back: docs/day2.md, The API's name"
    return Problem(f"this host belongs to another cluster, {node.server or 'unknown'}", fix, cause="other-cluster")
