"""What many hosts lack alike is one cause with the names of them all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster.names import short, unnamed
from tasks.preflight.model import Severity
from tasks.preflight.verdict import IDS, Row

# Where hosts of one cause differ in what was found, so many of the answers are shown; the JSON report has all of them.
SHOWN = 3


@dataclass(frozen=True)
class Cause:
    """One requirement that `hosts` do not meet, for the same reason and with the same remedy."""

    hosts: tuple[str, ...]
    severity: Severity
    requirement: str
    found: str
    needed: str
    fix: str

    @property
    def named(self) -> str:
        """The hosts in one phrase."""
        return short(self.hosts)


def causes(rows: Iterable[Row], addresses: Mapping[str, str]) -> list[Cause]:
    """`rows` with those of one cause together: musts first, then in the order of the requirements, then of the hosts.

    Where more than one host has it, HOST and ADDRESS stand for its own (`addresses`: by host).
    """
    groups: dict[tuple[str, ...], list[tuple[Row, str]]] = {}
    for row in rows:
        found, needed, fix = (
            unnamed(" ".join(text.split()), row.host, addresses.get(row.host, ""))
            for text in (row.found, row.needed, row.fix)
        )
        groups.setdefault((row.severity, row.requirement, needed, fix), []).append((row, found))
    made = [_cause(fix, needed, members) for (_, _, needed, fix), members in groups.items()]
    return sorted(made, key=lambda cause: (cause.severity is Severity.SHOULD, IDS.index(cause.requirement)))


def _cause(fix: str, needed: str, members: list[tuple[Row, str]]) -> Cause:
    first = members[0][0]
    hosts = tuple(dict.fromkeys(row.host for row, _ in members))
    if len(hosts) == 1:
        # One host: its own words, whatever it lacks of this.
        found, needed, fix = "; ".join(row.found for row, _ in members), first.needed, first.fix
    else:
        found = _answers(members)
    found, needed, fix = (" ".join(text.split()) for text in (found, needed, fix))
    return Cause(hosts, first.severity, first.requirement, found, needed, fix)


def _answers(members: list[tuple[Row, str]]) -> str:
    """What was found, where more than one answer was with the hosts that gave it."""
    by_answer: dict[str, list[str]] = {}
    for row, found in members:
        by_answer.setdefault(found, []).append(row.host)
    if len(by_answer) == 1:
        return next(iter(by_answer))
    most = sorted(by_answer.items(), key=lambda answer: -len(answer[1]))
    listed = [f"{found} ({short(hosts)})" for found, hosts in most[:SHOWN]]
    if len(most) > SHOWN:
        others = {host for _, hosts in most[SHOWN:] for host in hosts}
        listed.append(f"others ({short(others)})")
    return "; ".join(listed)
