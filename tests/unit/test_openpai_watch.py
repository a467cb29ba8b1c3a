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
    commands: list[str] = field(default_factory=list)

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

    def run_shell_command(self, command: Any, **__: Any) -> tuple[bool, Any]:
        """The log of a pod, or of paictl."""
        self.commands.append(str(command))
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


@dataclass
class Work:
    """What the watch does: a service runs so many seconds after its start, if it comes up at all."""

    cluster: Cluster
    takes: dict[str, float] = field(default_factory=dict)
    started: list[tuple[str, float]] = field(default_factory=list)
    old: list[Service] = field(default_factory=list)
    ready: dict[str, float] = field(default_factory=dict)

    def start(self, service: Service) -> bool:
        self.started.append((service.name, self.cluster.clock))
        self.ready[service.name] = self.cluster.clock + self.takes.get(service.name, 0)
        return True

    def restarted(self, service: Service) -> bool:
        return service in self.old

    def proven(self, service: Service) -> bool:
        return self.cluster.note(service)

    def arrive(self, services: list[Service]) -> None:
        """Have those run whose time has come."""
        for service in services:
            if service not in self.cluster.up and self.ready.get(service.name, 1e9) <= self.cluster.clock:
                self.cluster.start(service)


def watching(made_up: Cluster, work: Work | None = None) -> Watch:
    host: Any = made_up
    return Watch(host, PAICTL, WANTED, work or Work(made_up))


@pytest.fixture
def brought_up(made_up, monkeypatch):
    """Bring services up, each of which takes as many seconds as are said; gives what was done."""

    def bring_up(*services: Service, **takes: float) -> Work:
        work = Work(made_up, takes)

        def look(fact: type, **more: Any) -> Any:
            work.arrive(list(services))
            return Cluster.get_fact(made_up, fact, **more)

        monkeypatch.setattr(made_up, "get_fact", look)
        assert watching(made_up, work).have_running(services, services), made_up.said
        return work

    return bring_up


def test_a_service_starts_as_soon_as_what_it_needs_is_up_and_the_end_alone_waits_until_that_has_stayed_up(
    made_up, brought_up
):
    started = dict(brought_up(DATABASE, BESIDE, REST, database=3, beside=1).started)
    assert started == {"database": 0, "beside": 0, "rest": 3}
    assert dict(made_up.noted) == {"beside": 1 + STEADY, "database": 3 + STEADY, "rest": 4 + STEADY}


def test_a_service_that_has_ended_again_is_waited_for_before_what_needs_it_starts(made_up, brought_up, monkeypatch):
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    look = Cluster.get_fact

    def with_a_gap(made: Cluster, fact: type, **more: Any) -> Any:
        answer = look(made, fact, **more)
        if fact is ServicesNow and 4 <= made.clock < 20:
            answer.workloads.pop("DaemonSet/default/database-ds", None)
        return answer

    monkeypatch.setattr(Cluster, "get_fact", with_a_gap)
    beside = [Service(f"s{n}", workloads=(Workload("DaemonSet", f"s{n}", ("s",)),)) for n in range(2)]
    started = dict(brought_up(DATABASE, *beside, REST, database=3, s0=10, s1=10).started)
    assert started["rest"] >= 20
    assert any("rest: database must be up first" in line for line in made_up.said)


def test_some_are_started_at_a_time_and_no_more(brought_up):
    services = [Service(f"s{number}", workloads=(Workload("DaemonSet", f"s{number}", ("s",)),)) for number in range(6)]
    started = dict(brought_up(*services, **{one.name: 10 for one in services}).started)
    assert [started[one.name] for one in services[: watch.AT_ONCE]] == [0] * watch.AT_ONCE
    assert min(started[one.name] for one in services[watch.AT_ONCE :]) >= 10


def test_a_service_is_steady_from_when_its_pods_run_and_not_from_when_its_paictl_ends(made_up, brought_up, monkeypatch):
    paictl = iter(["running"] * (STEADY + 2))
    monkeypatch.setattr(Cluster, "paictl", property(lambda _: next(paictl, "0"), lambda *_: None))
    brought_up(DATABASE)
    assert made_up.noted == [("database", STEADY + 3)]  # in the look that saw it end


def test_pods_that_read_something_new_are_restarted_once_and_waited_for(made_up):
    made_up.start(DATABASE)
    work = Work(made_up, old=[DATABASE])
    assert watching(made_up, work).have_running([DATABASE], [DATABASE])
    assert [line for line in made_up.said if "running (" in line] == ["database: running (2 s)"]


def test_the_end_waits_until_all_have_stayed_up(made_up):
    made_up.start(DATABASE, BESIDE)
    assert watching(made_up).have_running([BESIDE], [DATABASE, BESIDE])
    assert [name for name, _ in made_up.noted] == ["beside"]  # the other was there before
    assert made_up.clock >= STEADY


def test_a_service_that_ends_again_and_again_is_never_noted_and_is_named_and_not_what_ends_with_it(
    made_up, monkeypatch
):
    made_up.start(DATABASE)

    def look(fact: type, **more: Any) -> Any:
        container = made_up.containers["database-ds"]
        if "rest" in dict(work.started):
            made_up.containers["rest-ds"] = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "ready": False}
        if fact is Pods and container["restartCount"] < made_up.clock // 4:
            container.update(restartCount=int(made_up.clock // 4), ready=False, state={"waiting": {}})
        return Cluster.get_fact(made_up, fact, **more)

    monkeypatch.setattr(made_up, "get_fact", look)
    work = Work(made_up)
    assert not watching(made_up, work).have_running([DATABASE, BESIDE, REST], [DATABASE, BESIDE, REST])
    assert made_up.noted == [] and "rest" in dict(work.started)
    assert "database: pod database-ds-abcde cannot start: CrashLoop: exit status unknown" in made_up.said[-2]
    assert made_up.said[-1] == "  log: it ended"
    assert made_up.clock < 60
    assert made_up.commands[-1] == "stop", "no paictl is left at work"


def test_what_an_earlier_run_left_of_a_later_service_does_not_end_the_wait(made_up, brought_up):
    made_up.containers["rest-ds"] = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "ready": False}
    assert [name for name, _ in brought_up(DATABASE, REST, database=40).started] == ["database", "rest"]


def test_a_silent_api_server_proves_nothing(made_up):
    made_up.start(DATABASE)
    made_up.answers = False
    assert not watching(made_up).have_running([], [DATABASE])
    assert made_up.noted == []
    assert "all services: the API server does not answer after 600 s" in made_up.said[-1]


def test_a_service_that_does_not_come_is_given_up_after_its_time(made_up):
    assert not watching(made_up).have_running([DATABASE, REST], [DATABASE, REST])
    assert "database: no daemonset database-ds after 600 s" in made_up.said[-1]
    assert "/paictl-database.log" in made_up.said[-1]


def test_a_service_that_comes_at_the_last_moment_has_time_to_stay_up(made_up, brought_up):
    assert brought_up(DATABASE, database=598).started
    assert made_up.clock > 600


def test_a_paictl_that_fails_at_every_start_is_not_started_for_ever(made_up, monkeypatch):
    made_up.paictl = "1"
    silent = iter([False, True, False, *[True] * 9])

    def look(fact: type, **more: Any) -> Any:
        if fact is ServicesNow:
            made_up.answers = next(silent)
        return Cluster.get_fact(made_up, fact, **more)

    monkeypatch.setattr(made_up, "get_fact", look)
    work = Work(made_up)
    assert not watching(made_up, work).have_running([REST], [REST])
    assert len(work.started) == TRIES
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
    watch.ended(host, PAICTL, [DATABASE])
    assert min(seconds, watch.GRACE) <= made_up.clock <= watch.GRACE + 5
    named = "not ended after 120 s: database-ds-abcde on no node; is that node up?"
    assert made_up.said == ([named] if seconds > watch.GRACE else [])
