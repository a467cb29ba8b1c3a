"""The verdict for people and for machines: one table, one line on what the deploy sees to, and JSON."""

import json
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from tasks.gpu import describe
from tasks.preflight.model import Severity, Survey
from tasks.preflight.snapshot import Snapshot
from tasks.preflight.verdict import Outcome, Row, Verdict

HEADINGS = ("HOST", "SEVERITY", "REQUIREMENT", "FOUND", "NEEDED", "FIX")
COLOURS = {Severity.MUST: "red", Severity.SHOULD: "yellow"}
# Columns narrower than this are not worth wrapping in.
NARROWEST = 16


def text(verdict: Verdict, width: int | None = None, colour: bool = False) -> str:
    """The table, worst first, and the summary; wrapped to `width` columns, or one line a row without a width."""
    parts = []
    if verdict.unmet:
        parts.append(_table(verdict.unmet, width, colour))
    return "\n\n".join([*parts, "\n".join(_summary(verdict))])


def _summary(verdict: Verdict) -> list[str]:
    musts, shoulds = len(verdict.failures), len(verdict.unmet) - len(verdict.failures)
    lines = [f"Preflight of {verdict.hosts} host(s): {musts} must(s) and {shoulds} should(s) unmet."]
    coming = Counter(row.requirement for row in verdict.rows if row.outcome is Outcome.BY_DEPLOY)
    if coming:
        listed = ", ".join(f"{id} ({count})" for id, count in coming.items())
        lines.append(f"The deploy itself sees to: {listed}.")
    if verdict.skipped:
        hidden = sum(row.outcome is Outcome.SKIPPED for row in verdict.rows)
        lines.append(f"Skipped by skip_requirements: {', '.join(verdict.skipped)}; {hidden} unmet among them.")
    return lines


def _table(rows: Sequence[Row], width: int | None, colour: bool) -> str:
    cells = [(row.host, row.severity.value, row.requirement, row.found, row.needed, row.fix) for row in rows]
    widths = [max(len(line[column]) for line in (HEADINGS, *cells)) for column in range(len(HEADINGS))]
    if width is not None:
        widths = _shrunk(widths, width - 2 * (len(widths) - 1))
    lines = _wrapped(HEADINGS, widths)
    for row, cell in zip(rows, cells, strict=True):
        for line in _wrapped(cell, widths):
            lines.append(click.style(line, fg=COLOURS[row.severity]) if colour else line)
    return "\n".join(lines)


def _shrunk(widths: list[int], available: int) -> list[int]:
    """Widths that fit: the words (host, severity, requirement) stay whole, the sentences share what is left."""
    words, sentences = widths[:3], widths[3:]
    room = max(available - sum(words), NARROWEST * len(sentences))
    while sum(sentences) > room:
        widest = sentences.index(max(sentences))
        sentences[widest] -= 1
    return [*words, *sentences]


def _wrapped(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in zip_longest(*columns, fillvalue="")]


def as_json(verdict: Verdict, survey: Survey) -> dict[str, Any]:
    """Everything found, with what each host is; nothing of it is secret."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cluster": survey.cluster.folder.name,
        "met": not verdict.failures,
        "skipped": list(verdict.skipped),
        "rows": [asdict(row) for row in verdict.rows],
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
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the JSON report whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(draft, path)
