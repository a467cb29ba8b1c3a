"""Services watched while they start, on a cluster that is made up and a clock that is turned by each look."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.openpai import Service, Workload
from tasks.openpai.facts import PaictlRun, Pods, ServicesNow
from tasks.openpai.judge import ClusterState, Running, Wanted
from tasks.openpai.operations import watch
from tasks.openpai.operations.watch import STEADY, TRIES, Watch

WANTED = Wanted("sum", (), ())
DATABASE = Service("database", workloads=(Workload("DaemonSet", "database-ds", ("database",)),))
BESIDE = Service("beside", workloads=(Workload("DaemonSet", "beside-ds", ("beside",)),))
REST = Service("rest", ("database",), (Workload("DaemonSet", "rest-ds", ("rest",)),))
UP: dict[str, Any] = {"running": {}}


@dataclass
class Cluster:
    """What the dev box would be told: the services that run, and the containers of pods by workload."""

    up: list[Service] = field(default_factory=list)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: bool = True
    paictl: str = "0"
    clock: float = 0
    said: list[str] = field(default_factory=list)
    noted: list[tuple[str, float]] = field(default_factory=list)

    def start(self, *services: Service) -> None:
        """Have services run, each with one pod."""
        for service in services:
            self.up.append(service)
            self.containers[service.workloads[0].name] = {"state": UP, "restartCount": 0, "ready": True}

    def get_fact(self, fact: type, **_: Any) -> Any:
        """The made-up answer to a fact that the watch asks for."""
        if fact is PaictlRun:
            return self.paictl
        if fact is Pods:
            return [self._pod(*item) for item in self.containers.items()]
        assert fact is ServicesNow
        running = {
            f"DaemonSet/default/{one.name}": Running(1, 1, 1, True, one.images)
            for service in self.up
            for one in service.workloads
        }
        return ClusterState(self.answers, running)

    def _pod(self, workload: str, container: dict[str, Any]) -> dict[str, Any]:
        meta = {"name": f"{workload}-abcde", "namespace": "default", "ownerReferences": [{"name": workload}]}
        status = {"containerStatuses": [{"name": "app", **container}]}
        return {"metadata": meta, "spec": {"containers": [{"name": "app"}]}, "status": status}

    def log(self, line: str, _: Any = None) -> None:
        """What is said on the screen."""
        self.said.append(line)

    def log_styled(self, line: str, **_: Any) -> None:
        """What is said in red."""
        self.said.append(line)

    def run_shell_command(self, *_: Any, **__: Any) -> tuple[bool, Any]:
        """The log of a pod, or of paictl."""
        return True, SimpleNamespace(stdout_lines=["log: it ended"])

    def note(self, service: Service) -> bool:
        """What the watch tells of a service that has stayed up."""
        self.noted.append((service.name, self.clock))
        return True


@pytest.fixture
def made_up(monkeypatch):
    made = Cluster()
    monkeypatch.setattr(watch.time, "monotonic", lambda: made.clock)

    def sleep(seconds: float) -> None:
        made.clock += seconds

    monkeypatch.setattr("gevent.sleep", sleep)
    return made


PAICTL: Any = SimpleNamespace(
    cluster=SimpleNamespace(config=SimpleNamespace(openpai_service_timeout=600)),
    kubeconfig="kubeconfig",
    configuration="cluster-cfg",
    stop=lambda: "stop",
)


def watching(made_up: Cluster) -> Watch:
    host: Any = made_up
    return Watch(host, PAICTL, WANTED, made_up.note)


def test_only_those_that_need_a_service_wait_until_it_has_stayed_up(made_up):
    watched = watching(made_up)
    made_up.start(DATABASE, BESIDE)
    assert watched.needed_by(DATABASE) and watched.running(DATABASE)
    assert watched.needed_by(BESIDE) and watched.running(BESIDE)
    assert made_up.clock == 0
    assert watched.needed_by(REST)
    assert made_up.clock >= STEADY
    assert [name for name, _ in made_up.noted] == ["database", "beside"]
    assert any("rest: database must stay up first" in line for line in made_up.said)


def test_what_need_not_wait_starts_while_others_must_stay_up_first(made_up):
    watched = watching(made_up)
    made_up.start(DATABASE)
    assert watched.next_of([DATABASE, REST, BESIDE]) is DATABASE
    assert watched.running(DATABASE)
    assert watched.next_of([REST, BESIDE]) is BESIDE
    assert watched.next_of([REST]) is REST, "somebody has to wait"
    assert watched.needed_by(REST)
    assert watched.next_of([REST, BESIDE]) is REST
    after = Service("after", ("rest",))
    assert watched.next_of([REST, after, BESIDE]) is REST, "which nothing holds back, and not what needs it"


def test_the_end_waits_until_all_have_stayed_up(made_up):
    watched = watching(made_up)
    made_up.start(DATABASE, BESIDE)
    assert watched.running(BESIDE)
    assert watched.all_stay_up([DATABASE, BESIDE])
    assert made_up.noted == [("beside", STEADY)]  # the other was there before


def test_a_service_that_ends_again_and_again_is_never_noted_and_is_named_while_a_later_one_starts(made_up, monkeypatch):
    watched = watching(made_up)
    made_up.start(DATABASE)
    assert watched.running(DATABASE)

    def look(fact: type, **more: Any) -> Any:
        container = made_up.containers["database-ds"]
        if fact is Pods and container["restartCount"] < made_up.clock // 4:
            container.update(restartCount=int(made_up.clock // 4), ready=False, state={"waiting": {}})
        return Cluster.get_fact(made_up, fact, **more)

    monkeypatch.setattr(made_up, "get_fact", look)
    assert not watched.running(BESIDE)
    assert made_up.noted == []
    assert "database: pod database-ds-abcde cannot start: CrashLoop: exit status unknown" in made_up.said[-2]
    assert made_up.said[-1] == "  log: it ended"
    assert made_up.clock < 60


def test_what_an_earlier_run_left_of_a_later_service_does_not_end_the_wait(made_up):
    made_up.start(DATABASE)
    made_up.containers["rest-ds"] = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "ready": False}
    watched = watching(made_up)
    assert watched.running(DATABASE) and watched.needed_by(REST)


def test_a_silent_api_server_proves_nothing(made_up):
    watched = watching(made_up)
    made_up.start(DATABASE)
    assert watched.running(DATABASE)
    made_up.answers = False
    assert not watched.all_stay_up([DATABASE])
    assert made_up.noted == []
    assert "all services: the API server does not answer after 600 s" in made_up.said[-1]


def test_a_paictl_that_fails_at_every_start_is_not_started_for_ever(made_up, monkeypatch):
    made_up.paictl = "1"
    silent = iter([False, True, False, *[True] * 9])
    starts = []

    def look(fact: type, **more: Any) -> Any:
        if fact is ServicesNow:
            made_up.answers = next(silent)
        return Cluster.get_fact(made_up, fact, **more)

    def start() -> bool:
        starts.append("rest")
        return True

    monkeypatch.setattr(made_up, "get_fact", look)
    assert not watching(made_up).running(REST, start)
    assert len(starts) == TRIES - 1
    assert "rest: no daemonset rest-ds; paictl failed 3 times, its log ends: [paictl-failed]" in made_up.said


@pytest.mark.parametrize("seconds", [0, 40, 10_000])
def test_a_stopped_service_is_waited_for_until_its_pods_have_ended_or_named(made_up, monkeypatch, seconds):
    made_up.start(DATABASE, BESIDE)

    def look(fact: type, **more: Any) -> Any:
        if made_up.clock >= seconds:
            made_up.containers.pop("database-ds", None)
        return Cluster.get_fact(made_up, fact, **more)

    monkeypatch.setattr(made_up, "get_fact", look)
    host: Any = made_up
    watch.ended(host, PAICTL, DATABASE)
    assert min(seconds, watch.GRACE) <= made_up.clock <= watch.GRACE + 5
    named = "database: not ended after 120 s: database-ds-abcde on no node; is that node up?"
    assert made_up.said == ([named] if seconds > watch.GRACE else [])
