"""A command's screen as a film: one SVG that any browser plays by itself, without a script.

python -m tests.recording docs/pictures/rehearse.svg make rehearse        # minutes, all of the lab
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import click
import pyte
from rich.color import ANSI_COLOR_NAMES
from rich.terminal_theme import DIMMED_MONOKAI as THEME

from tests.terminal import Span, line

COLUMNS, LINES = 108, 32
# Seconds of the film, and how long its last picture stays.
LENGTH, LAST = 30, 5
PICTURES_A_SECOND = 4
# Of a letter, in pixels of the drawing.
WIDTH, HEIGHT, SIZE = 8.4, 18, 14
MARGIN = 12
_BACKGROUND, _TEXT = THEME.background_color.hex, THEME.foreground_color.hex
_FILM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" xml:space="preserve">
<title>{title}</title>
<style>
text{{font:{size}px ui-monospace,Menlo,Consolas,monospace;fill:{text};white-space:pre}}
.b{{font-weight:bold}}
.film{{animation:film {length}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{.film{{animation:none;transform:translateY({last}px)}}}}
@keyframes film{{{steps}}}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="{background}"/>
<text x="50%" y="{baseline}" text-anchor="middle" class="b">{title}</text>
<svg x="{margin}" y="{margin}" width="{inner:g}" height="{window}">
<g transform="translate(0 {size})"><g class="film">{strip}</g></g>
</svg>
</svg>
"""

# Where the command runs is nobody's affair: in a film a checkout is at home.
_HERE, _THERE = os.fsencode(Path.cwd()), b"~/openpai-deploy"

Row = tuple[Span, ...]


@dataclass(frozen=True)
class Recording:
    """What a command wrote to its terminal: pieces with the second at which each came, and its exit status."""

    pieces: list[tuple[float, bytes]]
    status: int

    @property
    def seconds(self) -> float:
        """From its start to its last word."""
        return self.pieces[-1][0] if self.pieces else 0.0


@dataclass(frozen=True)
class Picture:
    """The screen at one time of the film; `clock` is the command's own time, both in seconds."""

    at: float
    clock: float
    rows: tuple[Row, ...]


def record(command: Sequence[str], columns: int = COLUMNS, lines: int = LINES) -> Recording:
    """Run `command` on a terminal of this size, to its end; what it shows is seen on ours as well."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    begun = time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    pieces = []
    while piece := _read(master):
        pieces.append((time.monotonic() - begun, piece))
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    os.close(master)
    return Recording([(when, piece.replace(_HERE, _THERE)) for when, piece in pieces], process.wait())


def _read(terminal: int) -> bytes:
    # pyinfra's gevent, where it is in this process, closes the other side only when it is waited with.
    select.select([terminal], [], [])
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""


def pictures(recording: Recording, typed: str, columns: int = COLUMNS, lines: int = LINES) -> list[Picture]:
    """The film: the screen at even times, its own beginning and end among them, each where it differs from the last.

    `typed` stands at its head, as at a shell's prompt.
    """
    screen = pyte.Screen(columns, lines)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {typed}\r\n".encode())
    count = LENGTH * PICTURES_A_SECOND
    found: list[Picture] = []
    coming = iter([*recording.pieces, (float("inf"), b"")])
    when, piece = next(coming)
    for number in range(count + 1):
        clock = recording.seconds * number / count
        while when <= clock:
            stream.feed(piece)
            when, piece = next(coming)
        rows = tuple(tuple(line(screen, row)) for row in range(lines))
        if not found or rows != found[-1].rows:
            found.append(Picture(number / PICTURES_A_SECOND, clock, rows))
    return found


@dataclass
class _Lines:
    """The lines of a film, each drawn once and shown wherever it stands; their names are short."""

    names: dict[Row, str] = field(default_factory=dict)

    def shown(self, row: Row, number: int) -> str:
        name = self.names.setdefault(row, f"a{len(self.names)}")
        return f'<use href="#{name}" y="{number * HEIGHT}"/>'

    def drawn(self) -> Iterator[str]:
        for row, name in self.names.items():
            yield f'<text id="{name}">{"".join(map(_part, row))}</text>'


def _part(span: Span) -> str:
    """A piece of a line at its column, as wide as its letters are on a terminal, whatever font there is."""
    inner = span.text.strip()
    if not inner:
        return ""
    start = span.column + len(span.text) - len(span.text.lstrip())
    look = f'x="{start * WIDTH:g}" textLength="{len(inner) * WIDTH:g}" lengthAdjust="spacingAndGlyphs"'
    look += ' class="b"' if span.bold else ""
    look += f' fill="{_hex(span.colour)}"' if span.colour else ""
    return f"<tspan {look}>{escape(inner)}</tspan>"


def _hex(colour: str) -> str:
    """A colour by rich's name for it, or by the six digits that pyte gives those without a name."""
    if re.fullmatch("[0-9a-f]{6}", colour):
        return f"#{colour}"
    name = re.sub("^bright", "bright_", colour)
    red, green, blue = THEME.ansi_colors[ANSI_COLOR_NAMES[name]]
    return f"#{red:02x}{green:02x}{blue:02x}"


def film(shown: Sequence[Picture], title: str) -> str:
    """The SVG: a strip of all pictures behind a window, moved by CSS; whoever wants no motion sees the last one."""
    width, window = COLUMNS * WIDTH, (len(shown[0].rows) + 1) * HEIGHT
    length, last = LENGTH + LAST, (1 - len(shown)) * window
    lines = _Lines()
    strip, steps = [], []
    for number, picture in enumerate(shown):
        minutes, seconds = divmod(round(picture.clock), 60)
        drawn = [f'<text x="{width:g}" text-anchor="end">{minutes}:{seconds:02}</text>']
        drawn += [lines.shown(row, index) for index, row in enumerate(picture.rows, 1) if row]
        strip.append(f'<g transform="translate(0 {number * window})">{"".join(drawn)}</g>')
        steps.append(f"{picture.at / length:.3%}{{transform:translateY({-number * window}px)}}")
    return _FILM.format(
        width=width + 2 * MARGIN, height=window + 2 * MARGIN, title=escape(title), margin=MARGIN, size=SIZE,
        baseline=MARGIN + SIZE, inner=width, window=window, length=length, steps="".join(steps), last=last,
        lines="\n".join(lines.drawn()), strip="\n".join(strip), text=_TEXT, background=_BACKGROUND,
    )  # fmt: skip


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(output: Path, command: tuple[str, ...]) -> None:
    """Run COMMAND on a terminal and write the film of it to OUTPUT; a command that fails leaves none."""
    recording = record(command)
    if recording.status:
        raise click.ClickException(f"the command ended with {recording.status}: no film of it")
    typed = " ".join(command)
    faster = max(1, round(recording.seconds / LENGTH))
    title = f"{typed}, {faster} times as fast" if faster > 1 else typed
    shown = pictures(recording, typed)
    output.write_text(film(shown, title), encoding="utf-8")
    click.echo(f"{output}: {output.stat().st_size // 1000} kB, {len(shown)} pictures of {recording.seconds:.0f} s")


if __name__ == "__main__":
    main()
