"""Kubernetes after the first day: workers that leave, snapshots and their restoration, the end of the cluster.

Run one alone: pyinfra inventories/prod.py tasks.kubernetes.NAME
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, deploy, operation

from cluster import Role
from tasks import detached
from tasks.context import cluster_of, config_of, described, disruption_allowed, role_of
from tasks.elsewhere import the_dev_box
from tasks.kubernetes_access import Account
from tasks.operations import departure, etcd, order
from tasks.operations.control_plane import answering
from tasks.operations.stop import stop

RESTORE = "/usr/local/sbin/openpai-etcd-restore"
OTHERS = {
    "kubespray": "kubespray's own playbooks change its clusters (remove-node.yml, reset.yml, upgrade-cluster.yml): "
    "docs/kubernetes.md, kubespray",
    "none": "config.yaml says installer: none, so this cluster is changed by what made it",
}


def ours() -> bool:
    """Whether the cluster is kubeadm's, made here; for another one, its master stops with what to do instead."""
    installer = config_of(host).installer
    if installer != "kubeadm" and role_of(host) is Role.MASTER:
        refused(name="Kubernetes of another installer", message=OTHERS[installer])
    return installer == "kubeadm"


@operation(is_idempotent=False)
def refused(message: str) -> Generator[Any]:
    """Stop this host with `message`."""
    yield stop(message)


@deploy("Departed workers")
def remove_departed() -> None:
    """Drain, delete and reset the workers that were deployed and are in worker.csv no more."""
    if ours() and role_of(host) is Role.MASTER:
        departure.departed(
            name="Departed workers are out of the cluster",
            cluster=cluster_of(host),
            keep=config_of(host).etcd_snapshots_kept,
            forced=disruption_allowed(host),
        )


@deploy("Kubernetes, the end of it")
def reset() -> None:
    """Take every host out of Kubernetes; needs --data confirm=NAME, the name of the cluster's folder."""
    if not ours():
        return
    arguments = {
        "cluster": cluster_of(host),
        "confirmed": host.data.get("confirm"),
        "keep": config_of(host).etcd_snapshots_kept,
    }
    if role_of(host) is Role.WORKER:
        departure.reset(name="Workers leave Kubernetes", **arguments)
    order.meet(name="The master goes last")
    if role_of(host) is Role.MASTER:
        departure.reset(name="The master leaves Kubernetes", **arguments)


@deploy("etcd, snapshot")
def snapshot() -> None:
    """Save etcd's content on the master, and copy the snapshots to the dev box."""
    if not ours():
        return
    if role_of(host) is Role.MASTER:
        etcd.saved(name="A snapshot of etcd", reason="manual", keep=config_of(host).etcd_snapshots_kept)
    order.meet(name="The snapshot comes first")
    if role_of(host) is Role.DEV_BOX:
        user, home = host.get_fact(Account, _sudo=False)
        etcd.fetched(name="Copies on the dev box", folder=f"{home}/pai-deploy/etcd-snapshots", owner=user)


@deploy("etcd, restore")
def restore() -> None:
    """Put back a snapshot: --data snapshot=FILE (a name among the kept ones) --data confirm=NAME."""
    if ours() and role_of(host) is Role.MASTER:
        restored(name="etcd has the snapshot's content", snapshot=host.data.get("snapshot"))


@operation(is_idempotent=False)
def restored(snapshot: str | None) -> Generator[Any]:
    """Put the kept snapshot named `snapshot` in the place of etcd's data; where it is gone, the dev box's copy."""
    cluster = cluster_of(host)
    kept = host.get_fact(etcd.Snapshots, folder=etcd.FOLDER)
    dev_box = the_dev_box(host)
    _, home = dev_box.get_fact(Account, _sudo=False)
    copies = f"{home}/pai-deploy/etcd-snapshots"
    copied = dev_box.get_fact(etcd.Snapshots, folder=copies)
    if snapshot not in kept.keys() | copied.keys():
        named = ", ".join(sorted(kept.keys() | copied.keys())) or "there are none"
        yield stop(f"choose a snapshot with --data snapshot=FILE: {named}")
        return
    if host.data.get("confirm") != cluster.folder.name:
        yield stop(
            f"this takes the cluster {cluster.folder.name} back to {snapshot}; to go on: "
            f"--data confirm={cluster.folder.name}"
        )
        return
    path = f"{etcd.FOLDER}/{snapshot}"
    if snapshot not in kept:
        yield FunctionCommand(etcd.copy, (dev_box, f"{copies}/{snapshot}", path, "root"), {})
    master = described(host)
    yield detached.command("etcd-restore", f"{RESTORE} {path} {master.name} {master.address}")
    yield answering(config_of(host).kubernetes_timeout)
