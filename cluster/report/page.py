"""The page: what the records mean to somebody who looks, and the HTML of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from cluster.names import duration, leading_address, short, unnamed
from cluster.report.matrix import CHANGED, FAILED, NOT_RUN, WARNED, WELL, matrix, roles_of
from cluster.report.plot import bars
from cluster.report.records import Change, Deploy, Records

_TEMPLATES = Path(__file__).parents[2] / "templates/report"
NOTHING = "\N{EN DASH}"
# A shape beside each colour, and a word beside each shape.
SIGNS = {WELL: "✓", CHANGED: "●", WARNED: "▲", FAILED: "✕", NOT_RUN: NOTHING}
# Days from which a certificate's end is near; Kubernetes' own last a year.
SOON = 30
# Tests and requirements that say how hosts reach each other.
_OUTCOMES = {"passed": "yes", "failed": "no", "error": "not known", "skipped": "not asked"}
_PATHS = {
    "test_dev_box_logs_in_without_a_password": "SSH from the dev box",
    "test_pods_reach_each_other": "pods reach each other",
    "test_clock_follows_a_configured_server": "follows its time server",
}


@dataclass(frozen=True)
class Wrong:
    """Something wrong on `hosts`: what was found, and what to do where that is not in the same sentence."""

    where: str
    hosts: str
    count: int
    what: str
    found: str
    remedy: str = ""
    log: str = ""
    only_told: bool = False


@dataclass(frozen=True)
class Changed:
    """The same operation on one or more hosts."""

    when: str
    hosts: str
    stage: str
    operation: str


def html(records: Records) -> str:
    """One self-contained HTML text of `records`."""
    deploy = records.deploy
    wrong = list(_wrong(records))
    return _template().render(
        cluster=records.cluster,
        records=records,
        wrong=[one for one in wrong if not one.only_told],
        told=[one for one in wrong if one.only_told],
        matrix=matrix(records),
        signs=SIGNS,
        plot=Markup(bars(deploy.stages)) if deploy and deploy.stages else None,  # pygal escapes what it is given
        stages=[(stage.name, duration(stage.seconds)) for stage in deploy.stages] if deploy else [],
        all_time=duration(sum(stage.seconds for stage in deploy.stages)) if deploy else "",
        changes=_changes(deploy) if deploy else [],
        gpus=_gpus(records),
        network=_network(records),
        certificates=_certificates(records),
        soon=SOON,
        moment=moment,
        short=short,
        hosts=roles_of(records),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("index.html")


def moment(iso: str) -> str:
    """A time as people read it; what is no time stays as it is."""
    try:
        return datetime.fromisoformat(iso.replace("Z", "+00:00")).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    except ValueError:
        return iso


def _wrong(records: Records) -> Iterable[Wrong]:
    """Everything that needs somebody: the latest kind of run first."""
    if records.verify:
        for cause in records.verify.causes:
            # After the names, and the address where no answer came, in brackets.
            said = re.sub(r"^(?: \([^)]*\))?: ", "", cause.message)
            yield _as_wrong("Verification", cause.hosts, ", ".join(cause.tests), said)
    if records.deploy:
        yield from _failed(records.deploy)
    if records.preflight:
        for cause in records.preflight.causes:
            found = f"found {cause.found}; needed {cause.needed}"
            told = cause.severity != "must"
            yield _as_wrong("Preflight", cause.hosts, cause.requirement, found, cause.fix, only_told=told)


def _failed(deploy: Deploy) -> Iterable[Wrong]:
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    logs: dict[tuple[str, str, str, str], str] = {}
    for name, host in deploy.hosts.items():
        if one := host.failure:
            own = leading_address(one.reason)
            reason, remedy = (unnamed(text, name, own) for text in (one.reason, one.remedy))
            said = (one.stage, one.operation, reason, remedy)
            groups.setdefault(said, []).append(name)
            logs.setdefault(said, one.log)
    for said, hosts in groups.items():
        stage, operation, reason, remedy = said
        what = operation if operation.startswith(stage) else " | ".join(filter(None, (stage, operation)))
        yield _as_wrong("Deploy", hosts, what, reason, remedy, logs[said])


def _as_wrong(
    where: str, hosts: Sequence[str], what: str, found: str, remedy: str = "", log: str = "", only_told: bool = False
) -> Wrong:
    named = [host for host in hosts if host]
    return Wrong(where, short(named) or "the cluster", len(named), what, found, remedy, log, only_told)


def _changes(deploy: Deploy) -> list[Changed]:
    """What changed, oldest first; one operation on many hosts is one line with its first and last moment."""
    groups: dict[tuple[str, str], list[tuple[str, Change]]] = {}
    for name, host in deploy.hosts.items():
        for change in host.changed:
            groups.setdefault((change.stage, change.operation), []).append((name, change))
    found = []
    for (stage, operation), members in groups.items():
        times = sorted(change.at for _, change in members)
        first, last = moment(times[0]), moment(times[-1])
        when = first if first == last else f"{first} to {last.split(' ')[1] if ' ' in last else last}"
        found.append((times[0], Changed(when, short(name for name, _ in members), stage, operation)))
    return [line for _, line in sorted(found, key=lambda each: each[0])]


def _gpus(records: Records) -> list[tuple[str, str, str, str, list[str]]]:
    """Hosts, GPUs, drivers, persistence, and what ails them: as the verification heard it, else preflight."""
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    verified = records.verify.hosts if records.verify else {}
    for name, host in verified.items():
        if host.gpus is not None:
            models = [gpu.name for gpu in host.gpus]
            owned = ", ".join(f"{models.count(model)} x {model}" for model in dict.fromkeys(models)) or "none"
            missing = [f"{len(models)} of {host.gpus_on_bus} GPUs answer"] if len(models) != host.gpus_on_bus else []
            drivers = ", ".join(dict.fromkeys(gpu.driver for gpu in host.gpus)) or NOTHING
            modes = ", ".join(dict.fromkeys(gpu.persistence for gpu in host.gpus)) or NOTHING
            groups.setdefault((owned, drivers, modes, (*missing, *host.health)), []).append(name)
    if not verified and records.preflight:
        for name, seen in records.preflight.hosts.items():
            if seen.gpus_on_bus or seen.gpus != "none":
                groups.setdefault((seen.gpus, seen.driver or NOTHING, NOTHING, ()), []).append(name)
    return [(short(names), owned, drivers, modes, list(health))
            for (owned, drivers, modes, health), names in groups.items()]  # fmt: skip


def _network(records: Records) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Headings and rows, hosts alike together: which ways are open, and how far the clock is off."""
    answers: dict[str, dict[str, str]] = {}
    if records.preflight:
        for name, seen in records.preflight.hosts.items():
            if seen.peers_asked:
                reached = f"{seen.peers_reached} of {seen.peers_asked}"
                answers.setdefault(name, {})["reaches others"] = reached
    for test in records.verify.tests if records.verify else []:
        if test.host and test.test in _PATHS:
            answers.setdefault(test.host, {})[_PATHS[test.test]] = _OUTCOMES.get(test.outcome, test.outcome)
    for name, host in records.verify.hosts.items() if records.verify else []:
        if host.clock_seconds is not None:
            off = "within 10 ms" if host.clock_seconds < 0.01 else f"{host.clock_seconds:.2f} s"
            answers.setdefault(name, {})["clock off by"] = off
    order = ["reaches others", *_PATHS.values(), "clock off by"]
    headings = [word for word in order if any(word in said for said in answers.values())]
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, said in answers.items():
        groups.setdefault(tuple(said.get(word, NOTHING) for word in headings), []).append(name)
    return headings, [(short(names), list(cells)) for cells, names in groups.items()]


def _certificates(records: Records) -> list[tuple[str, str, int]]:
    """Host, certificate, days left; the first to end comes first."""
    hosts = records.verify.hosts if records.verify else {}
    found = [(name, file, days) for name, host in hosts.items() for file, days in host.certificates_days.items()]
    return sorted(found, key=lambda each: (each[2], each[0], each[1]))
