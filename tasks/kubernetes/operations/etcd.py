"""Snapshots of etcd: taken on the master before a change.

pyinfra has no operations for etcd.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.reach import Commands, config_of, script

FOLDER = "/var/backups/openpai-deploy/etcd"


def snapshot(reason: str, needed: bool = True) -> StringCommand:
    """Save etcd's content as FOLDER/TIME-REASON.db, 0600, checked by etcdctl; the newest etcd_snapshots_kept are kept.

    An etcd that does not run cannot be saved, which is an error where it is `needed`.
    """
    keep = config_of(host).etcd_snapshots_kept
    return script("kubernetes/snapshot-etcd.sh", FOLDER, reason, keep, "needed" if needed else "")


@operation()
def saved(reason: str) -> Commands:
    """Save etcd's content now."""
    yield snapshot(reason)
