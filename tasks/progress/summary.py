"""A run's last lines: who is well, who failed and why, what changed, what took how long, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.names import duration
from cluster.names import short as spans
from tasks.progress.record import CHANGED, FAILED, LEFT_OUT, NOT_FINISHED, NOT_REACHED, WELL, Failure, Record

LINES = 25
"""The whole summary is read at a glance, and from `| tail -25` alone."""
LONGEST = 400
"""Characters of a line, so that what a program said cannot fill the screen."""
# Lines of one failure, and those that are there however many failed.
_EACH, _OTHERS = 4, 10


@dataclass(frozen=True)
class Line:
    """A line of the summary; `failed` is for its colour."""

    text: str
    failed: bool = False


def summary(record: Record, log: str, closing: Sequence[str] = (), report: str = "") -> list[Line]:
    """The last lines of a run, LINES at most; `log` is where the whole of it is, `closing` what the run itself says.

    `report` is the line on where the report is.
    """
    lines = [Line("")]
    hosts = len(record.hosts) - len(record.named(LEFT_OUT))
    failed = record.named(FAILED, NOT_REACHED)
    well = record.named(WELL)
    total = duration(sum(record.stages.values()))
    if record.dry:
        head = f"dry run of {hosts} hosts"
    elif record.executed:
        head = f"{len(well)} of {hosts} hosts well"
    else:
        head = f"none of {hosts} hosts was changed"
    if failed:
        head += f", {len(failed)} {'would stop' if record.dry else 'failed'}"
    lines.append(Line(f"== {record.cluster}: {head}; {total}", failed=bool(failed or record.status)))
    lines += _failures(record, log, LINES - _OTHERS - len(closing))
    if well and failed:
        lines.append(Line(f"well: {spans(well)}"))
    if left_out := record.named(LEFT_OUT):
        lines.append(Line(f"left out: {spans(left_out)}"))
    if (waiting := record.named(NOT_FINISHED)) and record.executed:
        lines.append(Line(f"not finished: {spans(waiting)}"))
    if record.executed:
        lines.append(Line(_changes(record)))
    if record.stages:
        took = ", ".join(f"{name} {duration(count)}" for name, count in record.stages.items())
        lines.append(Line(f"time: {took}"))
    lines += [Line(text, failed=bool(record.status)) for text in closing]
    lines.append(Line(f"log: {log}"))
    if report:
        lines.append(Line(report))
    if record.next:
        lines.append(Line(f"next: {record.next}"))
    return [Line(_short(line.text), line.failed) for line in lines]


def _changes(record: Record) -> str:
    changes = record.changes()
    if not changes:
        return "changed: nothing"
    hosts = sum(bool(host.changed) for host in record.hosts.values())
    stages = ", ".join(f"{stage} {count}" for stage, count in changes.items())
    return f"{CHANGED}: {sum(changes.values())} times on {hosts} hosts ({stages})"


def _failures(record: Record, log: str, room: int) -> list[Line]:
    failures = record.failures()
    lines: list[Line] = []
    for shown, (failure, names) in enumerate(failures):
        left = len(failures) - shown
        if len(lines) + _EACH > room - (left > 1):
            lines.append(Line(f"{left} more causes: {log}, and the hosts in deploy.json beside it", failed=True))
            break
        lines += _failure(failure, names, "WOULD STOP" if record.dry else "FAILED")
    return lines


def _failure(failure: Failure, names: list[str], word: str) -> list[Line]:
    place = failure.stage
    if failure.operation:
        place += f", {failure.operation}"
    return [
        Line(f"{word} {spans(names)}: {place}", failed=True),
        Line(f"    why: {failure.reason}", failed=True),
        Line(f"    do:  {failure.remedy}"),
        *([Line(f"    log: {failure.log}")] if failure.log else []),
    ]


def _short(text: str) -> str:
    text = " ".join(text.splitlines())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
