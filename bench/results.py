"""What was measured: kept as JSON, and shown as a table in docs/performance.md and as a plot."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

import pygal

from bench.running import Cost
from lab.settings import PROJECT

DOCUMENT = PROJECT / "docs/performance.md"
FOLDER = PROJECT / "docs/measured"
NOW = "now"


@dataclass(frozen=True)
class Row:
    """One case on so many hosts: the costs of each side's runs, which took place in turn."""

    case: str
    hosts: int
    costs: Mapping[str, Sequence[Cost]]

    def seconds(self, side: str) -> float:
        """The median time of a side."""
        return median(cost.seconds for cost in self.costs[side])

    def ratio(self, side: str) -> float:
        """How many times longer a side takes than this code: the median of the ratios of runs side by side."""
        pairs = zip(self.costs[side], self.costs[NOW], strict=True)
        return median(theirs.seconds / ours.seconds for theirs, ours in pairs)


@dataclass
class Results:
    """What one bench measured in one go; `versions` are those of what was measured."""

    name: str
    versions: Mapping[str, str]
    rows: list[Row] = field(default_factory=list)

    def write(self) -> None:
        """Write the figures, the table between its marks in docs/performance.md, and the plot; rows by case."""
        order = list(dict.fromkeys(row.case for row in self.rows))
        self.rows.sort(key=lambda row: (order.index(row.case), row.hosts))
        FOLDER.mkdir(exist_ok=True)
        facts = {"date": date.today().isoformat(), "processors": os.cpu_count(), "python": platform.python_version()}
        figures = {**facts, "versions": self.versions, "rows": [asdict(row) for row in self.rows]}
        (FOLDER / f"{self.name}.json").write_text(json.dumps(figures, indent=1) + "\n")
        DOCUMENT.write_text(between(DOCUMENT.read_text(), self.name, self.table()))
        plot(self.rows, FOLDER / f"{self.name}.svg")

    def table(self) -> str:
        """The rows as a Markdown table: medians of this code, and how many times longer the others took."""
        sides = list(dict.fromkeys(side for row in self.rows for side in row.costs if side != NOW))
        head = ["case", "hosts", "s", *sides, "processor s", "MB"]
        lines = [head, ["---"] * len(head)]
        for row in self.rows:
            ratios = [f"{row.ratio(side):.1f} x" if side in row.costs else "" for side in sides]
            ours = row.costs[NOW]
            cpu, memory = median(cost.cpu for cost in ours), max(cost.memory for cost in ours)
            lines.append([row.case, str(row.hosts), f"{row.seconds(NOW):.1f}", *ratios, f"{cpu:.1f}", str(memory)])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between(document: str, name: str, text: str) -> str:
    """`document` with `text` between the marks of `name`, which must be there."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = document.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{DOCUMENT} has no marks {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def plot(rows: Iterable[Row], path: Path) -> None:
    """Seconds by the number of hosts, of every side, in the first row's case."""
    rows = list(rows)
    shown = [row for row in rows if row.case == rows[0].case]
    chart = pygal.XY(
        title=f"Seconds: {rows[0].case}", x_title="hosts", logarithmic=True, width=800, height=450,
        style=pygal.style.CleanStyle(font_family="sans-serif"), js=(), show_x_guides=True,
    )  # fmt: skip
    for side in dict.fromkeys(side for row in shown for side in row.costs):
        chart.add(side, [(row.hosts, round(row.seconds(side), 2)) for row in shown if side in row.costs])
    chart.render_to_file(str(path))
