"""Hosts by stages: what came of each, from the first look to the verification. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.names import short
from cluster.report.records import Deploy, Preflight, Records, Verify

WELL, CHANGED, WARNED, FAILED, NOT_RUN = "well", "changed", "warned", "failed", "not run"
PREFLIGHT, VERIFICATION = "Preflight", "Verification"
_ROLES = ("dev_box", "master", "worker")


@dataclass(frozen=True)
class Line:
    """Hosts that have the same state in every stage."""

    hosts: tuple[str, ...]
    role: str
    states: tuple[str, ...]

    @property
    def named(self) -> str:
        """The hosts in one phrase."""
        return short(self.hosts)


@dataclass(frozen=True)
class Matrix:
    """Stages as columns; `lines` are hosts of like states together, `hosts` each by itself."""

    stages: tuple[str, ...]
    lines: tuple[Line, ...]
    hosts: tuple[Line, ...]


def matrix(records: Records) -> Matrix:
    """What came of every host that any record names, by role and name."""
    columns: list[tuple[str, dict[str, str]]] = []
    if records.preflight:
        columns.append((PREFLIGHT, _looked_at(records.preflight)))
    if deploy := records.deploy:
        columns += [(stage, _deployed(deploy, stage)) for stage in _stages(deploy) if stage != PREFLIGHT]
    if records.verify:
        columns.append((VERIFICATION, _verified(records.verify)))
    roles = roles_of(records)
    hosts = tuple(
        Line((host,), roles[host], tuple(states.get(host, NOT_RUN) for _, states in columns))
        for host in sorted(roles, key=lambda host: (_rank(roles[host]), host))
    )
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for line in hosts:
        groups.setdefault((line.role, line.states), []).append(line.hosts[0])
    lines = [Line(tuple(names), role, states) for (role, states), names in groups.items()]
    return Matrix(tuple(name for name, _ in columns), tuple(lines), hosts)


def roles_of(records: Records) -> dict[str, str]:
    """Every host that any record names, with its role where one says it."""
    found: dict[str, str] = {}
    known: list[Iterable[tuple[str, str]]] = []
    if records.verify:
        known += [((host, "") for host in records.verify.hosts), records.verify.roles.items()]
    if records.preflight:
        known += [((host, "") for host in records.preflight.hosts), records.preflight.roles.items()]
    if records.deploy:
        known.append((name, host.role) for name, host in records.deploy.hosts.items())
    for pairs in known:
        for host, role in pairs:
            found[host] = role or found.get(host, "")
    return found


def _rank(role: str) -> int:
    return _ROLES.index(role) if role in _ROLES else len(_ROLES)


def _looked_at(preflight: Preflight) -> dict[str, str]:
    states = dict.fromkeys([*preflight.roles, *preflight.hosts], WELL)
    for row in preflight.rows:
        if row.outcome == "unmet" and states.get(row.host) != FAILED:
            states[row.host] = FAILED if row.severity == "must" else WARNED
    return states


def _stages(deploy: Deploy) -> list[str]:
    """The deploy's stages in their order; those that only hosts name come last."""
    named = [stage.name for stage in deploy.stages]
    return list(dict.fromkeys([*named, *(stage for host in deploy.hosts.values() for stage in host.stages)]))


def _deployed(deploy: Deploy, stage: str) -> dict[str, str]:
    states = {}
    for name, host in deploy.hosts.items():
        states[name] = host.stages.get(stage, NOT_RUN)
        if host.failure and host.failure.stage == stage:
            states[name] = FAILED
    return states


def _verified(verify: Verify) -> dict[str, str]:
    states: dict[str, str] = {}
    for test in verify.tests:
        if test.host and test.outcome in ("failed", "error"):
            states[test.host] = FAILED
        elif test.host and test.outcome == "passed":
            states.setdefault(test.host, WELL)
    return states
