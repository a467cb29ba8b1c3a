"""Kubernetes after the first day: workers that leave, a snapshot put back, the end of the cluster.

Run one alone: pyinfra inventories/prod.py tasks.kubernetes.NAME
"""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks.kubernetes.operations import departure
from tasks.kubernetes.operations.restore import restored
from tasks.reach import barrier, cluster_of, config_of, disruption_allowed, refused, role_of

OTHERS = {
    "kubespray": "kubespray's own playbooks change its clusters (remove-node.yml, reset.yml, upgrade-cluster.yml): "
    "docs/kubernetes.md, kubespray",
    "none": "config.yaml says installer: none, so this cluster is changed by what made it",
}


def ours() -> bool:
    """Whether the cluster is kubeadm's, made here; for another one, its master stops with what to do instead."""
    installer = config_of(host).installer
    if installer != "kubeadm" and role_of(host) is Role.MASTER:
        refused(name="Kubernetes of another installer", message=OTHERS[installer], cause="other-installer")
    return installer == "kubeadm"


def confirmation() -> str | None:
    """The operator's --data confirm=WORD."""
    word = host.data.get("confirm")
    return None if word is None else str(word)


@deploy("Departed workers")
def remove_departed() -> None:
    """Drain, delete and reset the workers that were deployed and are in worker.csv no more.

    More than departure_max of them need --data confirm=N, their number.
    """
    if ours() and role_of(host) is Role.MASTER:
        departure.departed(
            name="Departed workers are out of the cluster",
            cluster=cluster_of(host),
            forced=disruption_allowed(host),
            most=config_of(host).departure_max,
            confirmed=confirmation(),
        )


@deploy("Kubernetes, the end of it")
def reset() -> None:
    """Take every host out of Kubernetes; needs --data confirm=NAME, the name of the cluster's folder."""
    if not ours():
        return
    cluster, confirmed = cluster_of(host), host.data.get("confirm")
    if role_of(host) is Role.WORKER:
        departure.reset(name="Workers leave Kubernetes", cluster=cluster, confirmed=confirmed)
    barrier(name="The master goes last")
    if role_of(host) is Role.MASTER:
        departure.reset(name="The master leaves Kubernetes", cluster=cluster, confirmed=confirmed)


@deploy("etcd, restore")
def restore() -> None:
    """Put back a kept snapshot, or a backup's of the dev box: --data snapshot=FILE --data confirm=NAME."""
    if ours() and role_of(host) is Role.MASTER:
        restored(name="etcd has the snapshot's content", snapshot=host.data.get("snapshot"))
