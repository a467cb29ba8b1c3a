"""Snapshots of etcd: taken on the master before a change, fetched to the dev box, put back.

pyinfra has no operations for etcd.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand, operation

from tasks.kubernetes.facts.cluster import Snapshots
from tasks.reach import the_master

FOLDER = "/var/backups/openpai-deploy/etcd"
CONTAINER = (
    "docker ps -q --filter label=io.kubernetes.pod.namespace=kube-system "
    "--filter label=io.kubernetes.container.name=etcd"
)
_PKI = "/etc/kubernetes/pki/etcd"
_ETCDCTL = (
    f"etcdctl --endpoints=https://127.0.0.1:2379 --cacert={_PKI}/ca.crt "
    f"--cert={_PKI}/healthcheck-client.crt --key={_PKI}/healthcheck-client.key"
)
# On the volume that the container shares with the host.
_PART = "/var/lib/etcd/openpai-deploy.part"


def snapshot(reason: str, keep: int) -> StringCommand:
    """Save etcd's content as FOLDER/TIME-REASON.db, 0600, checked by etcdctl, and keep the newest `keep`."""
    return StringCommand(
        f"umask 077; mkdir -p {FOLDER} && id=$({CONTAINER} | head -n 1) && "
        '{ [ -n "$id" ] || { echo "etcd does not run, so it cannot be saved first" >&2; exit 1; }; } && '
        f'docker exec -e ETCDCTL_API=3 "$id" {_ETCDCTL} snapshot save {_PART} >/dev/null && '
        f'docker exec -e ETCDCTL_API=3 "$id" etcdctl snapshot status {_PART} >/dev/null && '
        f"chmod 600 {_PART} && mv -f {_PART} {FOLDER}/$(date -u +%Y%m%dT%H%M%SZ)-{reason}.db && "
        f"ls -1 {FOLDER}/*.db | head -n -{keep} | xargs -r rm -f"
    )


@operation()
def saved(reason: str, keep: int) -> Generator[Any]:
    """Save etcd's content now."""
    yield snapshot(reason, keep)


@operation()
def fetched(folder: str, owner: str) -> Generator[Any]:
    """Have on this host, in `folder`, the snapshots that the master keeps, readable by `owner` alone, and no others.

    Nothing on the master is no reason to drop what is here: a lost master is when the copies are needed.
    """
    master = the_master(host)
    there = {} if master in state.failed_hosts else master.get_fact(Snapshots, folder=FOLDER)
    here = host.get_fact(Snapshots, folder=folder)
    if not there or there == here:
        return
    yield StringCommand(f"install -d -m 700 -o {owner} {folder}")
    for name in sorted(there):
        if here.get(name) != there[name]:
            yield FunctionCommand(copy, (master, f"{FOLDER}/{name}", f"{folder}/{name}", owner), {})
    for name in sorted(here.keys() - there.keys()):
        yield StringCommand(f"rm -f {folder}/{name}")


def copy(state: Any, host: Any, other: Any, source: str, target: str, owner: str) -> bool:
    """Copy the file `source` of host `other` to this host, for `owner` alone."""
    content = io.BytesIO()
    return (
        other.get_file(source, content, _sudo=True)
        and host.put_file(content, target, _sudo=True)
        and host.run_shell_command(StringCommand(f"chown {owner} {target} && chmod 600 {target}"), _sudo=True)[0]
    )
