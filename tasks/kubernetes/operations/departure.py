"""Nodes leaving the cluster: one worker that left worker.csv, or all of them.

pyinfra has no operations for Kubernetes, and none for hosts that are in its inventory no more.
"""

from typing import Any

from pyinfra import host, logger
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation
from pyinfra.api import Host as PyinfraHost
from pyinfra.api.exceptions import ConnectError, PyinfraError

from cluster import Cluster, Host, Problem
from cluster.files import departed_hosts, forget_deployed
from tasks.kubernetes.facts.cluster import Members
from tasks.kubernetes.facts.node import KUBECTL, KubernetesNode
from tasks.kubernetes.operations.etcd import snapshot
from tasks.kubernetes.operations.service import drain
from tasks.reach import Commands, ask, config_of, script, stop


@operation()
def departed(cluster: Cluster, forced: bool, most: int, confirmed: str | None) -> Commands:
    """On the master: drain, delete and reset every worker that was deployed and is in worker.csv no more.

    A worker whose pods do not leave in time stays, unless it is down or `forced`. One that cannot be reached is taken
    out of the cluster and named, with what to do when it comes back. More than `most` workers leave only where
    `confirmed` is their number: a worker.csv that was cut off says the same as one that was edited.
    """
    leaving = [one for one in departed_hosts(cluster) if one.role.value == "worker"]
    if not leaving:
        return
    count = len(leaving)
    if count > most and confirmed != str(count):
        named = ", ".join(worker.name for worker in leaving)
        found = f"of {count + len(cluster.workers)} workers {count} are in worker.csv no more: {named}"
        yield stop(
            Problem(
                found,
                f"if all of them shall leave: --data confirm={count}; else mend worker.csv",
                cause="confirm-departure",
            )
        )
        return
    yield snapshot("removal")
    members = host.get_fact(Members)
    for worker in leaving:
        member = members.get(worker.name)
        if member:
            name = QuoteString(worker.name)
            limit = config_of(host).drain_timeout
            late = f"the pods of {worker.name} did not leave within {limit} s"
            give_up = "true" if forced or not member.ready else "exit 1"
            said = QuoteString(f"{late}; to go on all the same: --data allow_disruption=yes")
            yield StringCommand(drain(worker.name, limit), "|| { echo", said, f">&2; {give_up}; }}")
            yield StringCommand(f"{KUBECTL} delete node", name)
        yield FunctionCommand(_reset_and_forget, (cluster, worker), {})


def _reset_and_forget(state: Any, host: Any, cluster: Cluster, worker: Host) -> bool:
    try:
        ask(_outsider(host, cluster, worker), script("kubernetes/reset.sh"))
        host.log(f"{worker.name} has left the cluster and was reset")
    except (ConnectError, PyinfraError, OSError) as error:
        host.log(
            f"{worker.name} has left the cluster but was not reset ({error}); "
            "before it is used again, run there: kubeadm reset -f",
            logger.warning,
        )
    forget_deployed(cluster, [worker.name])
    return True


def _outsider(host: Any, cluster: Cluster, worker: Host) -> PyinfraHost:
    """A host that the inventory does not list, reached as its members are."""
    other = PyinfraHost(worker.name, host.inventory, [], connector_cls=host.connector_cls)
    other.data.address = worker.address
    other.data.role = worker.role.value
    other.data.cluster_folder = str(cluster.folder)
    other.init(host.state)
    return other


@operation()
def reset(cluster: Cluster, confirmed: str | None) -> Commands:
    """Take this host out of Kubernetes for good, where `confirmed` is the cluster's name; etcd is saved first."""
    node = host.get_fact(KubernetesNode, node="-")
    if node.untouched:
        return
    if confirmed != cluster.folder.name:
        yield stop(
            f"this ends the cluster {cluster.folder.name} and everything that runs in it; "
            f"to go on: --data confirm={cluster.folder.name}",
            cause="confirm-reset",
        )
        return
    # A cluster that no longer runs may be reset all the same.
    yield snapshot("reset", needed=False)
    yield script("kubernetes/reset.sh")
