"""A change that rolls through the cluster: a canary, then batches, each node drained first and verified after it."""

from collections import Counter
from collections.abc import Callable

from pyinfra import host, logger
from pyinfra.api import Host, State
from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import ctx_host

from cluster import Role
from cluster.problems import identified
from tasks import gpu
from tasks.kubernetes.facts.work import Kind, list_pods, read_pods
from tasks.kubernetes.operations import device_plugin, pod_network, service, turns
from tasks.kubernetes.operations.turns import Due
from tasks.kubernetes.rolling_policy import Candidate, Roll, batch_size, in_words, planned
from tasks.reach import (
    ask,
    barrier,
    cluster_host,
    cluster_of,
    config_of,
    once,
    refused,
    role_of,
    take_turn,
    the_master,
)


def roll(due: Due, change: Callable[[], None], masters_first: bool = False) -> None:
    """Have `change` made on every node on which something is `due`, or which an earlier run left out of service.

    `change` is the body of a deploy, for the host of the context. Operations of one batch come before those of the
    next, so that the batches follow each other while pyinfra works through one plan.
    """
    found, _ = once(host.state, "roll", lambda: _planned(host.state, due, masters_first))
    name = cluster_host(host).name
    if name in found.left_out:
        refused(name="Left out", message=f"not changed: {found.left_out[name]}", cause="node-left-out")
    mine = found.batch_of(name)
    for number in host.loop(range(len(found.batches))):
        if number == mine:
            _turn(found, due, change)
        barrier(name="One batch after the other")


def _turn(found: Roll, due: Due, change: Callable[[], None]) -> None:
    name, config = cluster_host(host).name, config_of(host)
    take_turn(host)
    turns.may_begin(name="The change may go on", roll=found)
    service.drained(name="The node is out of service", why=found.due[name])
    turns.begun(name="Its change begins")
    change()
    turns.nothing_due(name="Nothing is due any more", due=due)
    vendor = gpu.vendor(config)
    if config.openpai_kube_network_plugin == "host-gw":
        pod_network.converged(name="Pods are reachable", node=name)
    if role_of(host) is Role.WORKER and vendor:
        device_plugin.advertised(name="Every GPU is advertised", node=name, vendor=vendor)
    service.back_in_service(name="The node is back in service")


def _planned(state: State, due: Due, masters_first: bool) -> Roll:
    """Look at every node of the run at once, and at the cluster."""
    present = [one for one in state.inventory if one in state.active_hosts and state.is_host_in_limit(one)]
    hosts = [one for one in present if role_of(one) is not Role.DEV_BOX]
    looks = {one: state.fact_pool.spawn(_due, one, due) for one in hosts}
    # Of a host that has failed there is no list.
    found = {one: looked for one, look in looks.items() if isinstance(looked := look.get(), list)}
    master, cluster = the_master(host), cluster_of(host)
    try:
        members = service.members(master)
        jobs = Counter(pod.node for pod in read_pods(ask(master, list_pods())) if pod.kind is Kind.JOB)
    except PyinfraError as error:
        said = f"no host was changed: the API server does not say what runs where ({error})"
        raise PyinfraError(identified(said, cause="api-server-silent")) from None
    candidates = []
    for one, what in found.items():
        name, is_master = cluster_host(one).name, role_of(one) is Role.MASTER
        candidates.append(Candidate(name, tuple(what), members.get(name), is_master, jobs[name]))
    made = planned(candidates, batch_size(cluster.config.rolling_batch, len(cluster.workers)), masters_first)
    for line in in_words(made):
        logger.info(line)
    return made


def _due(of: Host, due: Due) -> list[str]:
    with ctx_host.use(of):
        return due()
