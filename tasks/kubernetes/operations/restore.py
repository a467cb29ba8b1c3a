"""etcd's content put back from a snapshot."""

from pyinfra import host
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from tasks.kubernetes.facts.cluster import Snapshots
from tasks.kubernetes.operations.control_plane import answering
from tasks.kubernetes.operations.etcd import FOLDER
from tasks.reach import Commands, cluster_host, cluster_of, config_of, copied, detached, stop, the_dev_box
from tasks.ssh import Account

PROGRAM = "/usr/local/sbin/openpai-etcd-restore"


@operation(is_idempotent=False)
def restored(snapshot: str | None) -> Commands:
    """Put the kept snapshot named `snapshot` in the place of etcd's data; where it is gone, the dev box's copy."""
    cluster = cluster_of(host)
    kept = host.get_fact(Snapshots, folder=FOLDER)
    dev_box = the_dev_box(host)
    _, home = dev_box.get_fact(Account, _sudo=False)
    copies = f"{home}/pai-deploy/etcd-snapshots"
    fetched = dev_box.get_fact(Snapshots, folder=copies)
    if snapshot not in kept.keys() | fetched.keys():
        named = ", ".join(sorted(kept.keys() | fetched.keys())) or "there are none"
        yield stop(f"choose a snapshot with --data snapshot=FILE: {named}", cause="snapshot-choice")
        return
    if host.data.get("confirm") != cluster.folder.name:
        yield stop(
            f"this takes the cluster {cluster.folder.name} back to {snapshot}; to go on: "
            f"--data confirm={cluster.folder.name}",
            cause="confirm-restore",
        )
        return
    path = f"{FOLDER}/{snapshot}"
    if snapshot not in kept:
        yield FunctionCommand(copied, (dev_box, f"{copies}/{snapshot}", path, "root"), {})
    master = cluster_host(host)
    words = (PROGRAM, path, master.name, master.address)
    yield detached.command("etcd-restore", StringCommand(*map(QuoteString, words)))
    yield answering(config_of(host).kubernetes_timeout)
