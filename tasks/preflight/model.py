"""What preflight is made of: requirements as data, what they are judged on, and what falls short."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cluster import Cluster, Config, Host, Problem, Role
from cluster.openpai import Layout
from cluster.problems import ERROR, NOTICE
from cluster.words import StrEnum
from tasks.docker import kept
from tasks.preflight.snapshot import Snapshot

EVERY = frozenset(Role)
CONTROLLED = frozenset({Role.MASTER, Role.WORKER})
MASTERS = frozenset({Role.MASTER})
WORKERS = frozenset({Role.WORKER})


class Severity(StrEnum):
    """A must stops the deploy; a should is told."""

    MUST = "must"
    SHOULD = "should"


def shortfall(found: str, needed: str, fix: str, by_deploy: bool = False) -> Problem:
    """What a host lacks: what was found, what is needed, and how to fix it, in words for a person.

    `by_deploy` makes a notice of what the deploy itself puts right: no reason to stop.
    """
    return Problem(found, fix, needed=needed, severity=NOTICE if by_deploy else ERROR)


@dataclass(frozen=True)
class Clock:
    """How far a host's clock is ahead of this machine's, and how sure that is; milliseconds."""

    offset: float
    error: float


@dataclass(frozen=True)
class Survey:
    """All hosts of a run at one moment.

    `absent` maps hosts that were not reached to the reason; `silent` are those that were but gave no snapshot; `layout`
    is the operator's layout.yaml, if there is one; `disruption` the operator's word that what runs may be stopped.
    """

    cluster: Cluster
    snapshots: Mapping[str, Snapshot]
    absent: Mapping[str, Problem] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    layout: Layout | None = None
    disruption: bool = False

    @property
    def config(self) -> Config:
        """The cluster's config."""
        return self.cluster.config

    def knows(self, host: str) -> bool:
        """Whether `host` was looked at, in vain or not; --limit leaves others out."""
        return host in self.snapshots or host in self.absent or host in self.silent


@dataclass(frozen=True)
class Subject:
    """One host under judgement."""

    host: Host
    seen: Snapshot
    survey: Survey

    @property
    def config(self) -> Config:
        """The cluster's config."""
        return self.survey.config

    @property
    def gets_docker(self) -> bool:
        """Whether the deploy installs Docker here: a master needs it for Kubernetes alone."""
        return self.host.role is not Role.MASTER or self.config.installer != "none"

    @property
    def keeps_docker(self) -> bool:
        """Whether the deploy leaves the packages of the Docker that is here alone."""
        return kept(self.host.role, self.config, self.seen.docker)

    @property
    def rolls(self) -> bool:
        """Whether what disturbs the host's pods waits for a rolling change, which drains it first."""
        return self.seen.node and self.config.installer != "none"


JudgeHost = Callable[[Subject], Iterable[Problem]]
JudgeAll = Callable[[Survey, list[tuple[Host, Snapshot]]], Iterable[tuple[Host, Problem]]]


def always(config: Config) -> bool:
    """The condition of a requirement that every config has."""
    return True


@dataclass(frozen=True)
class Requirement:
    """One thing that hosts of `roles` need, where `when` holds for the config.

    `judge` sees the hosts it applies to. A requirement that `needs_root` is not judged where sudo does not work: that
    host has its row already.
    """

    id: str
    meaning: str
    roles: frozenset[Role]
    severity: Severity
    judge: JudgeAll
    when: Callable[[Config], bool] = always
    needs_root: bool = False

    def shortfalls(self, survey: Survey) -> list[tuple[Host, Problem]]:
        """Every host that falls short, and how."""
        if not self.when(survey.config):
            return []
        answered = [
            (host, survey.snapshots[host.name]) for host in survey.cluster.hosts if host.name in survey.snapshots
        ]
        hosts = [
            (host, seen)
            for host, seen in answered
            if host.role in self.roles and not (self.needs_root and seen.sudo_error is not None)
        ]
        return list(self.judge(survey, hosts))


def each_host(
    id: str,
    roles: frozenset[Role],
    severity: Severity = Severity.MUST,
    when: Callable[[Config], bool] = always,
    needs_root: bool = False,
) -> Callable[[JudgeHost], Requirement]:
    """Make a Requirement of a function that judges one host; its docstring is the requirement's meaning."""

    def make(judge: JudgeHost) -> Requirement:
        def all_hosts(survey: Survey, hosts: list[tuple[Host, Snapshot]]) -> Iterable[tuple[Host, Problem]]:
            for host, seen in hosts:
                for shortfall in judge(Subject(host, seen, survey)):
                    yield host, shortfall

        return Requirement(id, _meaning(judge), roles, severity, all_hosts, when, needs_root)

    return make


def across_hosts(
    id: str,
    roles: frozenset[Role],
    severity: Severity = Severity.MUST,
    when: Callable[[Config], bool] = always,
) -> Callable[[JudgeAll], Requirement]:
    """Make a Requirement of a function that compares hosts; its docstring is the requirement's meaning."""

    def make(judge: JudgeAll) -> Requirement:
        return Requirement(id, _meaning(judge), roles, severity, judge, when)

    return make


def _meaning(judge: Callable[..., object]) -> str:
    assert judge.__doc__, judge
    return " ".join(judge.__doc__.split())
