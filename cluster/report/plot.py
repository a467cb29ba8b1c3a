"""The time of each stage as a plot, drawn by pygal: an SVG that takes its colours from the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import pygal
from pygal.style import Style

from cluster.names import duration
from cluster.report.records import Stage

# Pixels of the drawing, which a page scales: as wide as a phone, so that its letters stay readable there.
_WIDTH, _BAR, _MARGIN = 420, 34, 50
_SVG = "{http://www.w3.org/2000/svg}"


def bars(stages: Sequence[Stage]) -> str:
    """An SVG element with a bar for each of `stages`, the first on top."""
    style = Style(
        background="transparent", plot_background="transparent", foreground="var(--ink)",
        foreground_strong="var(--ink)", foreground_subtle="var(--line)", colors=("var(--bar)",), opacity="1",
        opacity_hover="1", transition="0s", font_family="inherit", label_font_size=13, major_label_font_size=13,
        value_font_size=13, value_colors=("var(--ink)",), guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
    )  # fmt: skip
    chart = pygal.HorizontalBar(
        style=style, js=[], show_legend=False, width=_WIDTH, height=_MARGIN + _BAR * len(stages), margin=2,
        print_values=True, print_values_position="top", show_x_labels=False, show_x_guides=False, show_y_guides=False,
        range=(0, max((stage.seconds for stage in stages), default=0) * 1.3 or 1),
        formatter=duration, disable_xml_declaration=True,
    )  # fmt: skip
    reverse = list(reversed(stages))
    chart.x_labels = [stage.name for stage in reverse]
    chart.add("", [stage.seconds for stage in reverse])
    chart.uuid = "stages"  # else another one each time, for an unchanged report
    tree = ElementTree.fromstring(chart.render())
    # Beside the bars, not across their ends.
    for value in tree.iter(f"{_SVG}text"):
        if value.get("class") == "value":
            value.set("text-anchor", "start")
    for title in tree.findall(f"{_SVG}title"):
        title.text = "Time of each stage"
    for parent in list(tree.iter()):
        for script in parent.findall(f"{_SVG}script"):
            parent.remove(script)
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(tree, encoding="unicode")
