"""A terminal in memory: what a command that was given one shows there, with its colours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import pyte

# pyte's names for what rich calls otherwise.
_COLOURS = {"default": None, "brown": "yellow"}


class Span(NamedTuple):
    """Text of one look on a line, from `column` on; `colour` is None where it is the terminal's own."""

    text: str
    column: int
    colour: str | None
    bold: bool


def line(screen: pyte.Screen, row: int) -> Iterator[Span]:
    """A line of `screen`, without the blanks at its end."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    while cells and not cells[-1].data.strip():
        cells.pop()
    column = 0
    for (colour, bold), alike in groupby(cells, key=lambda cell: (cell.fg, cell.bold)):
        found = list(alike)
        yield Span("".join(cell.data for cell in found), column, _COLOURS.get(colour, colour), bold)
        column += len(found)
