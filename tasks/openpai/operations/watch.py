"""OpenPAI's services watched while they start: what is waited for is said, and a pod that cannot start ends it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent
from pyinfra import logger
from pyinfra.api import Host

from cluster.openpai import Service
from tasks.openpai.facts import OpenPai, Pods, ServicesNow
from tasks.openpai.judge import ClusterState, Patience, Steadiness, Trouble, Wanted, lacking, shown, troubles
from tasks.openpai.operations.configuration import wanted_sum
from tasks.openpai.operations.paictl import LOOK, Paictl, failed, log, status
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
# Services that are being started at a time: each takes a paictl, and the dev box is often a laptop.
AT_ONCE = 4
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


class Work(Protocol):
    """What is done with a service; each tells whether it could be."""

    def start(self, service: Service) -> bool:
        """Have it started; once more where paictl has failed at it."""

    def restarted(self, service: Service) -> bool:
        """Whether pods of it, which runs, had to be restarted to read what is new: then they are waited for."""

    def proven(self, service: Service) -> bool:
        """Note that it has stayed up."""


@dataclass
class Start:
    """One service since `began`: whether it came `up`, whether that was `proven`, how often paictl failed at it.

    `well` is whether it is up in the latest look: it may have ended again.
    """

    service: Service
    began: float
    steadiness: Steadiness = field(default_factory=lambda: Steadiness(STEADY))
    up: bool = False
    well: bool = False
    proven: bool = False
    asked: bool = False
    """Whether its pods needed a restart."""
    failures: int = 0


class Watch:
    """Services while they start: each as soon as what it requires is up, some of them at a time.

    Each has to stay up for a while as well; nobody waits for that but the end.
    """

    def __init__(self, host: Host, paictl: Paictl, expected: Wanted, work: Work):
        self._host, self._paictl, self._expected, self._work = host, paictl, expected, work
        self._limit = paictl.cluster.config.openpai_service_timeout
        self._begun: dict[str, Start] = {}
        self._said: dict[str, tuple[str, float]] = {}
        self._patience = Patience(PATIENCE)
        self._troubled: dict[str, Trouble] = {}

    def have_running(self, lame: Iterable[Service], services: Iterable[Service]) -> bool:
        """Start `lame`, which are in order; true once all of `services` run and those started here have stayed up.

        What ran a while ago may have ended for want of one that came after it. False, with the reason said, where one
        cannot start; then no paictl is left at work.
        """
        if self._have_running(list(lame), list(services)):
            return True
        self._host.run_shell_command(self._paictl.stop(), _sudo=True)
        return False

    def _have_running(self, waiting: list[Service], services: list[Service]) -> bool:
        last = time.monotonic()
        while True:
            self._look()
            for start in self._begun.values():
                if not start.proven and not self._advance(start):
                    return False
            under_way = [start for start in self._begun.values() if not start.up]
            ended = not waiting and not under_way
            if self._cannot_start(services if ended else [start.service for start in self._begun.values()]):
                return False
            for service in self._next(waiting, AT_ONCE - len(under_way)):
                waiting.remove(service)
                self._begun[service.name] = Start(service, self._now)
                if not self._work.start(service):
                    return False
                last, under_way = self._now, [self._begun[service.name]]
            if ended:
                lacks = self._lacking_of(services)
                if lacks is None:
                    return True
                self._say("all services", lacks, services, self._now - last)
                if self._now - last > self._limit:
                    return self._late("all services", lacks)
            elif under_way:
                last = self._now
            else:
                begun = [self._begun[name] for name in waiting[0].requires if name in self._begun]
                names = [start.service.name for start in begun if not start.well]
                self._say(waiting[0].name, f"{', '.join(names)} must be up first", waiting[:1], self._now - last)
            gevent.sleep(LOOK)

    def _look(self) -> None:
        self._state, self._now = _running_now(self._paictl, self._host), time.monotonic()
        self._pods = self._host.get_fact(Pods, kubeconfig=self._paictl.kubeconfig)

    def _next(self, waiting: list[Service], places: int) -> list[Service]:
        """Those of `waiting`, which are in order, that can start now: nothing that they require must be up first."""
        names = {service.name for service in waiting}
        unwell = {name for name, start in self._begun.items() if not start.well}
        possible = [service for service in waiting if (names | unwell).isdisjoint(service.requires)]
        return possible[: max(places, 0)]

    def _advance(self, start: Start) -> bool:
        """Judge a service that was started; false, with the reason said, where it is given up."""
        service = start.service
        lacks = lacking(service, self._state, self._expected) if self._state.answers else SILENT
        steady = start.steadiness.holds(_of(self._pods, [] if lacks else [service]), self._now)
        paictl = status(self._host, service.name) if service.by_paictl and not start.up else "0"
        if lacks is None and paictl != "running" and not start.up:
            start.up = start.asked or not self._work.restarted(service)
            start.asked = True
            if start.up:
                self._host.log(f"{service.name}: running ({self._now - start.began:.0f} s)")
                start.began = self._now  # staying up has a time of its own
        start.well = start.up and lacks is None
        if start.up:
            start.proven = start.well and steady and self._work.proven(service)
        else:
            self._say(service.name, lacks or "its script ends", [service], self._now - start.began)
        if not start.proven and self._now - start.began > self._limit:
            return self._late(service.name, lacks or "it does not stay up")
        if lacks in (None, SILENT) or paictl in ("running", "0"):
            return True
        start.failures += 1
        if start.failures < TRIES:
            # Its own five tries may all have met the same silent API server.
            return self._work.start(service)
        words = f"{service.name}: {lacks}; paictl failed {TRIES} times, its log ends:"
        return failed(self._host, words, shown=log(service.name), cause="paictl-failed")

    def _lacking_of(self, services: Iterable[Service]) -> str | None:
        if not self._state.answers:
            return SILENT
        faults = {service.name: lacking(service, self._state, self._expected) for service in services}
        fault = next((f"{name}: {fault}" for name, fault in faults.items() if fault), None)
        unproven = [name for name, start in self._begun.items() if not start.proven]
        return fault or (f"{', '.join(unproven)} must stay up" if unproven else None)

    def _late(self, title: str, lacks: str) -> bool:
        logs = f"{log()[:-4]}-SERVICE.log" if title == "all services" else log(title)
        return failed(
            self._host,
            f"{title}: {lacks} after {self._limit} s; raise openpai_service_timeout if images are still being pulled; "
            f"paictl's log: {logs}",
            cause="service-late",
        )

    def _say(self, title: str, lacks: str, services: Iterable[Service], seconds: float) -> None:
        line = f"{title}: {lacks} [{shown(_of(self._pods, services))}]"
        said, at = self._said.get(title, ("", 0.0))
        if line != said or self._now - at >= SAY:
            self._host.log(f"{line} {seconds:.0f} s")
            self._said[title] = (line, self._now)

    def _cannot_start(self, services: Iterable[Service]) -> bool:
        for service in services:
            found = troubles(_of(self._pods, [service]))
            if found:
                self._troubled[service.name] = found[0]
            trouble = self._patience.over(found, self._now)
            if trouble:
                self._explain(*self._first_troubled(service, trouble))
                return True
        return False

    def _first_troubled(self, service: Service, trouble: Trouble) -> tuple[str, Trouble]:
        """What is to be looked at: that which `service` needs, where that does not stay up either."""
        for name, start in self._begun.items():
            if name in service.requires and name in self._troubled and not start.proven:
                return name, self._troubled[name]
        return service.name, trouble

    def _explain(self, service: str, trouble: Trouble) -> None:
        words = f"{service}: pod {trouble.pod} cannot start: {trouble.reason}: {trouble.message}"
        failed(self._host, words[:400], cause="pod-cannot-start")
        asked = script("openpai/diagnose", self._paictl.kubeconfig, trouble.namespace, trouble.pod)
        for line in self._host.run_shell_command(asked, _sudo=True)[1].stdout_lines:
            self._host.log_styled(f"  {line}", fg="red", log_func=logger.error)


def pods_of(host: Host, paictl: Paictl, services: Iterable[Service]) -> list[dict[str, Any]]:
    """The pods of the workloads of `services`, as Kubernetes' API has them."""
    pods = host.get_fact(Pods, kubeconfig=paictl.kubeconfig)
    return _of(pods, services)


def ended(host: Host, paictl: Paictl, services: list[Service]) -> None:
    """Wait until the pods of `services`, whose workloads are gone, are too; name those that stay beyond GRACE.

    They end nothing: on a node that is down pods stay until it comes back or is removed.
    """
    deadline = time.monotonic() + GRACE
    while True:
        left = pods_of(host, paictl, services)
        if not left:
            return
        if time.monotonic() > deadline:
            names = ", ".join(f"{pod['metadata']['name']} on {pod['spec'].get('nodeName', 'no node')}" for pod in left)
            host.log(f"not ended after {GRACE} s: {names}; is that node up?", logger.warning)
            return
        gevent.sleep(LOOK)


def _of(pods: Iterable[dict[str, Any]], services: Iterable[Service]) -> list[dict[str, Any]]:
    workloads = [workload.name for service in services for workload in service.workloads]

    def is_of(pod: dict[str, Any]) -> bool:
        owners = [owner["name"] for owner in pod["metadata"].get("ownerReferences", ())]
        return any(owner == name or owner.startswith(f"{name}-") for name in workloads for owner in owners)

    return [pod for pod in pods if is_of(pod)]
