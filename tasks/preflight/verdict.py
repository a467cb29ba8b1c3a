"""Judging a survey by every requirement: the rows of the table, worst first."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cluster import Problem
from cluster.problems import NOTICE
from cluster.words import StrEnum
from tasks.preflight.model import Severity, Survey, shortfall
from tasks.preflight.requirements import REQUIREMENTS

# What is known without a snapshot: the host was not reached, or did not answer sensibly.
REACHABLE, ANSWERS = "reachable", "answers"
IDS = (REACHABLE, ANSWERS, *(requirement.id for requirement in REQUIREMENTS))


class Outcome(StrEnum):
    """What an unmet requirement comes to."""

    UNMET = "unmet"
    SKIPPED = "skipped"
    BY_DEPLOY = "by deploy"


@dataclass(frozen=True)
class Row:
    """One unmet requirement of one host."""

    host: str
    requirement: str
    severity: Severity
    outcome: Outcome
    found: str
    needed: str
    fix: str


@dataclass(frozen=True)
class Verdict:
    """Everything found, worst first, and what was skipped by the operator's word; `addresses` are the hosts'."""

    hosts: int
    rows: tuple[Row, ...]
    skipped: tuple[str, ...]
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def unmet(self) -> list[Row]:
        """The rows of the table."""
        return [row for row in self.rows if row.outcome is Outcome.UNMET]

    @property
    def failures(self) -> list[Row]:
        """The unmet musts."""
        return [row for row in self.unmet if row.severity is Severity.MUST]

    @property
    def forbids(self) -> bool:
        """True when no host may be changed. A host that was not reached is not changed anyway: the others may go on."""
        return any(row.requirement != REACHABLE for row in self.failures)

    @property
    def unfit(self) -> list[str]:
        """The hosts that were reached and must not be changed."""
        return list(dict.fromkeys(row.host for row in self.failures if row.requirement != REACHABLE))


def unknown(skipped: Iterable[str], hosts: Sequence[str]) -> list[str]:
    """A sentence for each of ID and HOST:ID whose id no requirement has, or whose host is none of `hosts`."""
    found = []
    for each in skipped:
        host, colon, id = each.rpartition(":")
        for kind, name, known in (("requirement", id, IDS), *([("host", host, hosts)] if colon else [])):
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
                found.append(f"skip_requirements: there is no {kind} {name!r}; {hint}")
    return found


def judge(survey: Survey, skipped: Iterable[str] = ()) -> Verdict:
    """Judge `survey` by every requirement; `skipped` are the ids of those that the operator passes over."""
    skip = tuple(dict.fromkeys(skipped))
    rows = [_row(name, REACHABLE, Severity.MUST, reason, skip) for name, reason in survey.absent.items()]
    unread = shortfall("no answer that can be read, see above", "an answer", "log in and look at the host itself")
    rows += [_row(name, ANSWERS, Severity.MUST, unread, skip) for name in survey.silent]
    for requirement in REQUIREMENTS:
        for host, lacking in requirement.shortfalls(survey):
            rows.append(_row(host.name, requirement.id, requirement.severity, lacking, skip))
    order = {host.name: position for position, host in enumerate(survey.cluster.hosts)}
    ids = {id: position for position, id in enumerate(IDS)}
    rows.sort(key=lambda row: (row.severity is Severity.SHOULD, order[row.host], ids[row.requirement]))
    addresses = {host.name: host.address for host in survey.cluster.hosts}
    return Verdict(len({*survey.snapshots, *survey.absent, *survey.silent}), tuple(rows), skip, addresses)


def _row(host: str, id: str, severity: Severity, lacking: Problem, skip: tuple[str, ...]) -> Row:
    outcome = Outcome.UNMET
    if id in skip or f"{host}:{id}" in skip:
        outcome = Outcome.SKIPPED
    elif lacking.severity == NOTICE:
        outcome = Outcome.BY_DEPLOY
    return Row(host, id, severity, outcome, lacking.found, lacking.needed, lacking.fix)
