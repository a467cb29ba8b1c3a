"""Snapshots of etcd: taken on the master before a change, fetched to the dev box, put back.

pyinfra has no operations for etcd.
"""

from pyinfra import host, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from tasks.kubernetes.facts.cluster import Snapshots
from tasks.reach import Commands, config_of, copied, script, the_master

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


@operation()
def fetched(folder: str, owner: str) -> Commands:
    """Have on this host, in `folder`, the snapshots that the master keeps, readable by `owner` alone, and no others.

    Nothing on the master is no reason to drop what is here: a lost master is when the copies are needed.
    """
    master = the_master(host)
    there = {} if master in state.failed_hosts else master.get_fact(Snapshots, folder=FOLDER)
    here = host.get_fact(Snapshots, folder=folder)
    if not there or there == here:
        return
    yield StringCommand("install -d -m 700 -o", QuoteString(owner), QuoteString(folder))
    for name in sorted(there):
        if here.get(name) != there[name]:
            yield FunctionCommand(copied, (master, f"{FOLDER}/{name}", f"{folder}/{name}", owner), {})
    for name in sorted(here.keys() - there.keys()):
        yield StringCommand("rm -f", QuoteString(f"{folder}/{name}"))
