"""The verdict for people and for machines: one row a cause, what the deploy sees to, and JSON."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.gpu import describe
from tasks.preflight.causes import Cause, causes
from tasks.preflight.model import Severity, Survey
from tasks.preflight.snapshot import Snapshot
from tasks.preflight.verdict import Outcome, Verdict

HEADINGS = ("HOST", "SEVERITY", "REQUIREMENT", "FOUND", "NEEDED", "FIX")
COLOURS = {Severity.MUST: "red", Severity.SHOULD: "yellow"}
# In a terminal that is narrower than this the table's sentences would be columns of single words: a paragraph each.
NARROWEST = 120


def text(verdict: Verdict, width: int | None = None, colour: bool = False) -> str:
    """The causes, worst first, and the summary: wrapped to `width` columns, or one line a cause without a width."""
    found = causes(verdict.unmet, verdict.addresses)
    parts = [_lines(_summary(verdict), width, colour)]
    if found:
        parts.insert(0, _rendered(_table(found, width), width, colour) if width is None or width >= NARROWEST
                     else _lines(_paragraphs(found), width, colour))  # fmt: skip
    return "\n\n".join(parts)


def _summary(verdict: Verdict) -> list[Text]:
    musts, shoulds = len(verdict.failures), len(verdict.unmet) - len(verdict.failures)
    lines = [f"Preflight of {verdict.hosts} host(s): {musts} must(s) and {shoulds} should(s) unmet."]
    coming = Counter(row.requirement for row in verdict.rows if row.outcome is Outcome.BY_DEPLOY)
    if coming:
        listed = ", ".join(f"{id} ({count})" for id, count in coming.items())
        lines.append(f"The deploy itself sees to: {listed}.")
    if verdict.skipped:
        hidden = sum(row.outcome is Outcome.SKIPPED for row in verdict.rows)
        lines.append(f"Skipped by skip_requirements: {', '.join(verdict.skipped)}; {hidden} unmet among them.")
    return [Text(line) for line in lines]


def _table(found: Sequence[Cause], width: int | None) -> Table:
    """A row a cause; the words (severity, requirement) stay whole, the hosts and the sentences share the width."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="", show_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=width is None or heading in HEADINGS[1:3])
    for cause in found:
        cells = (cause.named, cause.severity.value, cause.requirement, cause.found, cause.needed, cause.fix)
        table.add_row(*map(Text, cells), style=COLOURS[cause.severity])
    return table


def _paragraphs(found: Sequence[Cause]) -> list[Text]:
    lines = []
    for cause in found:
        colour = COLOURS[cause.severity]
        lines.append(Text(f"{cause.severity} {cause.requirement}: {cause.named}", style=f"bold {colour}"))
        lines += [Text(f"found {cause.found}; needed {cause.needed}; {cause.fix}", style=colour), Text()]
    return lines[:-1]


def _lines(lines: Sequence[Text], width: int | None, colour: bool) -> str:
    return _rendered(Text("\n").join(lines), width, colour)


def _rendered(content: Table | Text, width: int | None, colour: bool) -> str:
    """`content` as text, without spaces at the ends of lines."""
    heard = io.StringIO()
    # Without a width: wide enough for any line.
    console = Console(
        file=heard, width=width or 1_000_000, force_terminal=colour, color_system="standard" if colour else None,
        highlight=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(content, soft_wrap=False)
    return "\n".join(line.rstrip() for line in heard.getvalue().rstrip().splitlines())


def as_json(verdict: Verdict, survey: Survey) -> dict[str, Any]:
    """Everything found, by host and by cause, with what each host is; nothing of it is secret."""
    return {
        "kind": "preflight",
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cluster": survey.cluster.folder.name,
        "met": not verdict.failures,
        "skipped": list(verdict.skipped),
        "roles": {host.name: host.role.value for host in survey.cluster.hosts if survey.knows(host.name)},
        "rows": [asdict(row) for row in verdict.rows],
        "causes": [asdict(cause) for cause in causes(verdict.unmet, verdict.addresses)],
        "hosts": {name: _host(seen) for name, seen in survey.snapshots.items()},
    }


def _host(seen: Snapshot) -> dict[str, Any]:
    return {
        "release": seen.os.name,
        "kernel": seen.kernel,
        "architecture": seen.architecture,
        "cpus": seen.cpus,
        "memory_bytes": seen.memory,
        "cgroups": seen.cgroup,
        "docker": seen.docker.version or None,
        "driver": seen.driver.version,
        "gpus": describe(seen.smi.gpus),
        "gpus_on_bus": len(seen.driver.bus),
        "peers_asked": len(seen.peers),
        "peers_reached": sum(answer == "ok" for answer in seen.peers.values()),
    }
