"""Nodes out of service and back: cordoned with our mark, drained of their pods, and uncordoned once they are Ready.

pyinfra has no operations for Kubernetes, and kubectl's own cordon does not say whose it is, nor does its drain know
which pods are to end by themselves.
"""

import json
import time
from dataclasses import replace

import gevent
from pyinfra import host, logger
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from tasks.kubernetes.facts.cluster import Member, Members, read_members
from tasks.kubernetes.facts.node import KUBECTL, KUBECTL_PATIENT
from tasks.kubernetes.facts.work import Kind, Pod, list_pods, read_pods
from tasks.kubernetes.marks import CORDONED, Mark, Stage, now
from tasks.kubernetes.rolling_policy import in_short
from tasks.reach import Commands, ask, cluster_host, complain, config_of, disruption_allowed, the_master, until
from tasks.systemd import BOOT_ID

# Seconds between looks at jobs that are waited for, and between lines that say so.
_LOOK, _SAY = 5, 300
_READY = '{.status.nodeInfo.bootID} {.status.conditions[?(@.type=="Ready")].status}'


def drain(name: str, limit: int) -> StringCommand:
    """Evict the pods of the node `name`, but DaemonSets', as PodDisruptionBudgets let it, in `limit` seconds."""
    words = f"--ignore-daemonsets --delete-emptydir-data --force --timeout={limit}s >/dev/null"
    return StringCommand(f"{KUBECTL_PATIENT} drain", QuoteString(name), words)


def marked(name: str, mark: Mark | None) -> StringCommand:
    """Cordon the node with `mark`, or (None) take both back; in one step, as a run may be killed between two."""
    annotations = {CORDONED: mark.text() if mark else None}
    patch = json.dumps({"metadata": {"annotations": annotations}, "spec": {"unschedulable": bool(mark) or None}})
    return StringCommand(f"{KUBECTL} patch node", QuoteString(name), "-p", QuoteString(patch), ">/dev/null")


def members(master: Host) -> dict[str, Member]:
    """The nodes as the API server has them now; PyinfraError where it does not answer."""
    return read_members(ask(master, f"{KUBECTL} get nodes -o json"))


@operation()
def drained(why: str) -> Commands:
    """Take this host's node out of service because of `why`, and wait until its pods have left.

    Jobs are waited for up to drain_wait, the others evicted within drain_timeout. A node whose pods stay goes back into
    service, and the host fails with their names. A node that an earlier run had drained is not drained again.
    """
    yield FunctionCommand(_drained, (why,), {})


def _drained(state: State, host: Host, why: str) -> bool:
    master, name = the_master(host), cluster_host(host).name
    try:
        member = members(master).get(name)
        if member is None or (member.cordoned and not member.mark):
            return complain(
                state,
                host,
                f"not changed: {name} was cordoned or deleted by somebody else meanwhile",
                cause="node-taken",
            )
        if member.mark and member.mark.stage is Stage.CHANGING:
            host.log(f"{name} is out of service since {member.mark.since}, by an earlier run")
            return True
        mark = now(why, Stage.DRAINING)
        ask(master, marked(name, mark))
        stay = _wait_for_jobs(host, master, name)
        if not stay:
            stay = _evicted(host, master, name)
        if stay:
            ask(master, marked(name, None))
            return complain(state, host, f"not changed, and back in service: {stay}", cause="node-not-drained")
        ask(master, marked(name, replace(mark, stage=Stage.CHANGING)))
    except PyinfraError as error:
        return complain(state, host, f"not changed: {error}", cause="api-server-silent")
    return True


def _wait_for_jobs(host: Host, master: Host, name: str) -> str:
    """What still runs after drain_wait, in words; nothing where it has ended, or the operator lets it be ended."""
    patience, begun, said = config_of(host).drain_wait, time.monotonic(), -float(_SAY)
    while jobs := _on_node(master, name, Kind.JOB):
        waited = time.monotonic() - begun
        if waited >= patience:
            break
        if waited - said >= _SAY:
            said = waited
            host.log(f"waiting up to {patience - waited:.0f} s for jobs on {name} to end: {_names(jobs)}")
        gevent.sleep(min(_LOOK, patience - waited))
    if not jobs or disruption_allowed(host):
        return ""
    return (
        f"{_names(jobs)} did not end within {patience} s (drain_wait); run again later, or end them with "
        "--data allow_disruption=yes"
    )


def _evicted(host: Host, master: Host, name: str) -> str:
    """What did not leave within drain_timeout, in words; nothing where all has left."""
    limit = config_of(host).drain_timeout
    host.log(f"draining {name}")
    try:
        ask(master, drain(name, limit))
    except PyinfraError as error:
        left = [pod for pod in _on_node(master, name) if pod.kind is not Kind.STAYS]
        if not left:
            raise
        seen = "see their PodDisruptionBudgets: kubectl get pdb -A"
        return f"{_names(left)} did not leave within {limit} s ({error}); {seen}"
    return ""


def _on_node(master: Host, name: str, kind: Kind | None = None) -> list[Pod]:
    return [pod for pod in read_pods(ask(master, list_pods(name))) if kind in (None, pod.kind)]


def _names(pods: list[Pod]) -> str:
    return in_short(pod.name for pod in pods)


@operation()
def back_in_service() -> Commands:
    """Have this host's node back in service, once it is Ready in the boot that the host runs."""
    yield FunctionCommand(_back, (), {})


def _back(state: State, host: Host) -> bool:
    master, name = the_master(host), cluster_host(host).name
    try:
        boot = ask(host, f"cat {BOOT_ID}").strip()
        ready = StringCommand(KUBECTL, "get node", QuoteString(name), "-o", QuoteString(f"jsonpath={_READY}"))
        is_back = StringCommand(ready, "2>/dev/null | grep -qx", QuoteString(f"{boot} True"))
        ask(master, until(is_back, config_of(host).kubernetes_timeout, "echo 'its kubelet does not say so'"))
        ask(master, marked(name, None))
    except PyinfraError as error:
        return complain(state, host, f"{name} is not Ready and stays out of service ({error})", cause="node-not-ready")
    return True


@operation()
def reminded() -> Commands:
    """Say which nodes a rolling change has left out of service; it changes nothing."""
    left = {name: one.mark for name, one in host.get_fact(Members).items() if one.mark}
    for name, mark in left.items():
        said = f"{name} is out of service since {mark.since or 'an earlier release'} ({mark.why}, {mark.stage})"
        host.log(f"{said}; to go on with it: pyinfra INVENTORY tasks.rolling.change", logger.warning)
    yield from ()
