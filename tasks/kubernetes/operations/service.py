"""Nodes out of service: drained before they leave or reboot, and back once they are Ready.

pyinfra has no operations for Kubernetes, and kubectl's own cordon does not say whose it is.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from pyinfra import host, logger, state
from pyinfra.api import Host, QuoteString, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from tasks.kubernetes.facts.cluster import CORDONED, Members, read_members
from tasks.kubernetes.facts.node import KUBECTL, KUBECTL_PATIENT, KUBELET_CONF
from tasks.reach import Commands, ask, cluster_host, config_of, the_master, until
from tasks.systemd import BOOT_ID

# Seconds for the pods of a node to end.
DRAIN = 180
_READY = '{.status.nodeInfo.bootID} {.status.conditions[?(@.type=="Ready")].status}'


def drain(name: str) -> StringCommand:
    """Evict the pods of the node `name`, but those of DaemonSets, as far as PodDisruptionBudgets let it in time."""
    words = f"--ignore-daemonsets --delete-emptydir-data --force --timeout={DRAIN}s >/dev/null"
    return StringCommand(f"{KUBECTL_PATIENT} drain", QuoteString(name), words)


def _cordoned(name: str, wanted: bool) -> StringCommand:
    """Cordon the node and say that it was us, or take both back; in one step, as a run may be killed between two."""
    mark = {CORDONED: "for a reboot" if wanted else None}
    patch = json.dumps({"metadata": {"annotations": mark}, "spec": {"unschedulable": wanted or None}})
    return StringCommand(f"{KUBECTL} patch node", QuoteString(name), "-p", QuoteString(patch), ">/dev/null")


@contextmanager
def out_of_service(host: Host) -> Iterator[None]:
    """Around a reboot of `host`: its node, if it is one, is cordoned and drained, and back once it is Ready.

    PyinfraError, and the node back in service, where its pods do not leave in time. Another's cordon stays. One of ours
    that outlives its run is ended by back_in_service().
    """
    if not ask(host, f"ls {KUBELET_CONF} 2>/dev/null || :"):
        yield
        return
    master, name = the_master(host), cluster_host(host).name
    found = ask(master, f"{KUBECTL} get nodes -o json")
    member = read_members(found).get(name)
    ours = member is not None and (member.cordoned_by_us or not member.cordoned)
    if ours:
        ask(master, _cordoned(name, True))
    if member:
        host.log(f"draining {name}")
        _drained(master, name, ours)
    yield
    if not ours:
        return
    boot = ask(host, f"cat {BOOT_ID}").strip()
    ready = StringCommand(KUBECTL, "get node", QuoteString(name), "-o", QuoteString(f"jsonpath={_READY}"))
    is_back = StringCommand(ready, "| grep -qx", QuoteString(f"{boot} True"))
    back = until(is_back, config_of(host).kubernetes_timeout, "echo 'its kubelet does not say so'")
    try:
        ask(master, StringCommand(back, "&&", _cordoned(name, False)))
    except PyinfraError as error:
        # What comes later in the deploy may be what it lacks.
        host.log(f"{name} is not Ready yet and stays cordoned until a deploy finds it so ({error})", logger.warning)


def _drained(master: Host, name: str, ours: bool) -> None:
    try:
        ask(master, drain(name))
    except PyinfraError as error:
        if ours:
            ask(master, _cordoned(name, False))
        raise PyinfraError(
            f"the pods of {name} did not leave within {DRAIN} s ({error}); see: kubectl get pods -A -o wide "
            f"--field-selector spec.nodeName={name}, and their PodDisruptionBudgets: kubectl get pdb -A"
        ) from None


@operation()
def back_in_service() -> Commands:
    """End the cordons that a run of ours left behind, of nodes that are Ready and whose hosts this run has not lost."""
    failed = {other.name for other in state.failed_hosts}
    for name, member in host.get_fact(Members).items():
        if member.cordoned_by_us and member.ready and name not in failed:
            yield _cordoned(name, False)
