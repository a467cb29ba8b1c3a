"""etcd's content put back from a snapshot."""

from pyinfra import host
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from tasks.kubernetes.facts.backups import Backups
from tasks.kubernetes.facts.cluster import Snapshots
from tasks.kubernetes.operations import backup
from tasks.kubernetes.operations.control_plane import answering
from tasks.kubernetes.operations.etcd import FOLDER
from tasks.reach import Commands, cluster_host, cluster_of, config_of, copied, detached, script, stop, the_dev_box
from tasks.ssh import Account

PROGRAM = "/usr/local/sbin/openpai-etcd-restore"


@operation(is_idempotent=False)
def restored(snapshot: str | None) -> Commands:
    """Put the kept snapshot named `snapshot` in the place of etcd's data, or a backup's of the dev box."""
    cluster = cluster_of(host)
    kept = host.get_fact(Snapshots, folder=FOLDER)
    dev_box = the_dev_box(host)
    _, home = dev_box.get_fact(Account, _sudo=False)
    folder = f"{home}/pai-deploy/backups"
    backups = dev_box.get_fact(Backups, folder=folder).names
    if snapshot not in {*kept, *backups}:
        named = ", ".join(sorted({*kept, *backups})) or "there are none"
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
    if snapshot in backups:
        there, key = f"{backup.FOLDER}/{snapshot}", backup.opener(cluster)
        if not key.is_file():
            yield stop(backup.without(key))
            return
        path = f"{FOLDER}/{snapshot}.db"
        yield StringCommand("install -d -m 700", QuoteString(backup.FOLDER))
        yield FunctionCommand(copied, (dev_box, f"{folder}/{snapshot}", there, "root"), {})
        program = script("kubernetes/open-backup.sh", there, path)
        yield FunctionCommand(backup.opened, (program, key, f"etcd's content of {snapshot}"), {})
    master = cluster_host(host)
    words = (PROGRAM, path, master.name, master.address)
    yield detached.command("etcd-restore", StringCommand(*map(QuoteString, words)))
    yield answering(config_of(host).kubernetes_timeout)
