"""OpenPAI's services watched while they start: what is waited for is said, and a pod that cannot start ends it."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from pyinfra import logger
from pyinfra.api import Host

from cluster.openpai import Service
from tasks.openpai.facts import OpenPai, Pods, ServicesNow
from tasks.openpai.judge import ClusterState, Patience, Steadiness, Trouble, Wanted, lacking, shown, troubles
from tasks.openpai.operations.configuration import wanted_sum
from tasks.openpai.operations.paictl import LOG, LOOK, Paictl, at_work, failed, status
from tasks.reach import script

# Seconds between lines on the screen while nothing changes.
SAY = 15
# Seconds that a pod may be unable to start: a registry may stumble, a volume may be late.
PATIENCE = 30
# Seconds that a service must stay up to be called running: one that cannot work mostly ends within its first.
STEADY = 6
# Seconds that the pods of a stopped service may take to end: the usual grace of 30 s, and a busy kubelet's time.
GRACE = 120
# Times that paictl may fail at a service in a row; what makes it fail at the start of each is not mended by a fourth.
TRIES = 3
SILENT = "the API server does not answer"


def seen(paictl: Paictl, host: Host) -> ClusterState:
    """OpenPAI as the cluster has it."""
    return host.get_fact(OpenPai, kubeconfig=paictl.kubeconfig, folder=paictl.configuration)


def _running_now(paictl: Paictl, host: Host) -> ClusterState:
    return host.get_fact(ServicesNow, kubeconfig=paictl.kubeconfig, folder=paictl.configuration)


def wanted(paictl: Paictl, state: ClusterState) -> Wanted:
    """What the cluster's services are judged against."""
    cluster = paictl.cluster
    masters, workers = (tuple(one.name for one in hosts) for hosts in (cluster.masters[:1], cluster.workers))
    return Wanted(wanted_sum(cluster, state.files), masters, workers)


class Watch:
    """Services that are started one after another: each is waited for, and looked at on while the next ones start.

    Whoever needs a service waits until it has stayed up for a while; nobody else does. `proven` is told of each that
    has, and says whether that could be noted.
    """

    def __init__(self, host: Host, paictl: Paictl, expected: Wanted, proven: Callable[[Service], bool]):
        self._host, self._paictl, self._expected, self._proven = host, paictl, expected, proven
        self._begun: dict[str, Service] = {}
        self._unproven: dict[str, Steadiness] = {}
        self._patience = Patience(PATIENCE)

    def next_of(self, waiting: list[Service]) -> Service:
        """The first of `waiting`, which are in order, that can start at once: while some stay up, others start."""
        names = {service.name for service in waiting}
        possible = [service for service in waiting if names.isdisjoint(service.requires)]
        return next((one for one in possible if self._unproven.keys().isdisjoint(one.requires)), possible[0])

    def needed_by(self, service: Service) -> bool:
        """Wait until what `service` requires has stayed up, as far as it was started here."""

        def missing(_: ClusterState) -> str | None:
            waited = [name for name in service.requires if name in self._unproven]
            return f"{', '.join(waited)} must stay up first" if waited else None

        return missing(ClusterState()) is None or self._wait(service.name, [service], missing)

    def running(self, service: Service, again: Callable[[], bool] | None = None) -> bool:
        """Wait until `service`, which was started, runs; false, with the reason said, where it cannot.

        Where paictl fails without the service being there, `again` starts it once more, as its own five tries may all
        have met the same silent API server; up to TRIES times in all.
        """
        began = time.monotonic()
        self._begun[service.name] = service
        if not self._wait(service.name, [service], lambda state: lacking(service, state, self._expected), again):
            return False
        self._unproven[service.name] = Steadiness(STEADY)
        self._host.log(f"{service.name}: running ({time.monotonic() - began:.0f} s)")
        return True

    def all_stay_up(self, services: Iterable[Service]) -> bool:
        """Wait until all of `services` run, and those started here have stayed up.

        What ran a while ago may have ended for want of one that came after it.
        """
        self._begun = {service.name: service for service in services}

        def missing(state: ClusterState) -> str | None:
            faults = {name: lacking(service, state, self._expected) for name, service in self._begun.items()}
            fault = next((f"{name}: {fault}" for name, fault in faults.items() if fault), None)
            return fault or (f"{', '.join(self._unproven)} must stay up" if self._unproven else None)

        return self._wait("all services", self._begun.values(), missing)

    def pods(self, services: Iterable[Service]) -> list[dict[str, Any]]:
        """The pods of the workloads of `services`, as Kubernetes' API has them."""
        pods = self._host.get_fact(Pods, kubeconfig=self._paictl.kubeconfig)
        return _of(pods, services)

    def _wait(
        self,
        title: str,
        services: Iterable[Service],
        missing: Callable[[ClusterState], str | None],
        again: Callable[[], bool] | None = None,
    ) -> bool:
        """Wait until `missing` gives None and paictl has ended; say of `services` what is waited for."""
        began, said, failures = time.monotonic(), ("", 0.0), 0
        limit = self._paictl.cluster.config.openpai_service_timeout
        while True:
            state, now = _running_now(self._paictl, self._host), time.monotonic()
            pods = self.pods([*self._begun.values(), *services])
            if state.answers:
                self._prove(state, pods, now)
            lacks = missing(state) if state.answers else SILENT
            busy = at_work(self._host)
            if lacks is None and not busy:
                return True
            line = f"{title}: {lacks or 'its script ends'} [{shown(_of(pods, services))}]"
            if line != said[0] or now - said[1] >= SAY:
                self._host.log(f"{line} {now - began:.0f} s")
                said = (line, now)
            if self._cannot_start(pods, now):
                return False
            if now - began > limit:
                self._host.run_shell_command(self._paictl.stop(), _sudo=True)
                return failed(
                    self._host,
                    f"{title}: {lacks or 'its script has not ended'} after {limit} s; raise openpai_service_timeout "
                    f"if images are still being pulled; paictl's log: {LOG}",
                    cause="service-late",
                )
            if again and lacks not in (None, SILENT) and status(self._host) not in ("running", "0"):
                failures += 1
                if failures == TRIES:
                    words = f"{title}: {lacks}; paictl failed {TRIES} times, its log ends:"
                    return failed(self._host, words, log=True, cause="paictl-failed")
                if not again():
                    return False
            gevent.sleep(LOOK)

    def _prove(self, state: ClusterState, pods: list[dict[str, Any]], now: float) -> None:
        for name, steadiness in list(self._unproven.items()):
            service = self._begun[name]
            runs = lacking(service, state, self._expected) is None
            if steadiness.holds(_of(pods, [service] if runs else []), now) and runs and self._proven(service):
                del self._unproven[name]

    def _cannot_start(self, pods: list[dict[str, Any]], now: float) -> bool:
        for name, service in self._begun.items():
            trouble = self._patience.over(troubles(_of(pods, [service])), now)
            if trouble:
                self._host.run_shell_command(self._paictl.stop(), _sudo=True)
                self._say(name, trouble)
                return True
        return False

    def _say(self, service: str, trouble: Trouble) -> None:
        words = f"{service}: pod {trouble.pod} cannot start: {trouble.reason}: {trouble.message}"
        failed(self._host, words[:400], cause="pod-cannot-start")
        asked = script("openpai/diagnose", self._paictl.kubeconfig, trouble.namespace, trouble.pod)
        for line in self._host.run_shell_command(asked, _sudo=True)[1].stdout_lines:
            self._host.log_styled(f"  {line}", fg="red", log_func=logger.error)


def ended(host: Host, paictl: Paictl, service: Service) -> None:
    """Wait until the pods of `service`, whose workloads are gone, are too; name those that stay beyond GRACE.

    They end nothing: on a node that is down pods stay until it comes back or is removed.
    """
    deadline = time.monotonic() + GRACE
    while True:
        pods = host.get_fact(Pods, kubeconfig=paictl.kubeconfig)
        left = _of(pods, [service])
        if not left:
            return
        if time.monotonic() > deadline:
            names = ", ".join(f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}" for pod in left)
            host.log(f"{service.name}: not ended after {GRACE} s: {names}; is that node up?", logger.warning)
            return
        gevent.sleep(LOOK)


def _of(pods: Iterable[dict[str, Any]], services: Iterable[Service]) -> list[dict[str, Any]]:
    workloads = [workload.name for service in services for workload in service.workloads]

    def is_of(pod: dict[str, Any]) -> bool:
        owners = [owner["name"] for owner in pod["metadata"].get("ownerReferences", ())]
        return any(owner == name or owner.startswith(f"{name}-") for name in workloads for owner in owners)

    return [pod for pod in pods if is_of(pod)]
