"""What a run shows while it works: lines, and on a terminal the stages below them, kept up to date."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import click
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cluster.names import duration

RED, YELLOW, GREEN, DIM, BOLD = "red", "yellow", "green", "bright_black", "bold"


@dataclass(frozen=True)
class Row:
    """A stage as the live view shows it."""

    name: str
    done: int
    hosts: int
    seconds: float
    running: bool
    failed: int = 0
    doing: str = ""


class Plain:
    """Lines on standard output; none where `silent`."""

    animated = False

    def __init__(self, silent: bool = False) -> None:
        self._silent, self._colour = silent, sys.stdout.isatty()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end the run.
            sys.stdout.reconfigure(errors="replace")

    def line(self, text: str, style: str = "") -> None:
        """Show a line."""
        if self._silent:
            return
        if self._colour and style:
            text = click.style(text, bold=True) if style == BOLD else click.style(text, fg=style)
        try:
            click.echo(text)
        except OSError:
            # Whoever read it went away (`| head`); the hosts' work goes on, and so does the log.
            self._silent = True

    def start(self, rows: Callable[[], Iterable[Row]]) -> None:
        """Begin to show the stages that `rows` gives, where this screen can."""

    def stop(self) -> None:
        """Leave the lines alone on the screen."""


class Animated(Plain):
    """The same lines on a terminal, and below them a table of the stages."""

    animated = True

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(file=sys.stdout, highlight=False)
        self._streams = sys.stdout, sys.stderr
        self._live: Live | None = None

    def start(self, rows: Callable[[], Iterable[Row]]) -> None:
        sys.stdout, sys.stderr = (_Above(self._console, stream) for stream in self._streams)
        # Its refreshing thread is a greenlet: pyinfra has gevent take the place of threads.
        self._live = Live(
            get_renderable=lambda: _table(rows()), console=self._console, refresh_per_second=4, transient=True,
            vertical_overflow="crop", redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._live.start()

    def stop(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            sys.stdout, sys.stderr = self._streams
            with suppress(OSError):
                live.stop()


class _Above(FileProxy):
    """A standard stream whose lines go above the table; rich's own is no stream that click would write to."""

    encoding, errors = "utf-8", "replace"

    def isatty(self) -> bool:
        return self.rich_proxied_file.isatty()


def _table(rows: Iterable[Row]) -> Table:
    table = Table.grid(padding=(0, 2), expand=False)
    for justify in ("left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column(
        ratio=1
    )  # the one that gives way on a narrow terminal: it alone may be cut, by its texts' own word
    spinner = "|/-\\"[int(time.monotonic() * 4) % 4]
    for row in rows:
        mark = spinner if row.running else " "
        style = "red" if row.failed else "bold" if row.running else "dim"
        doing = row.doing or (f"{row.failed} failed" if row.failed else "")
        count = f"{row.done} of {row.hosts}" if row.hosts else ""
        took = duration(row.seconds) if row.running or row.seconds else ""
        cells = [Text(cell, style=style) for cell in (f"{mark} {row.name}", count, took)]
        table.add_row(*cells, Text(doing, style=style, no_wrap=True, overflow="ellipsis"))
    return table
