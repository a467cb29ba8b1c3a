"""The pictures of docs/pictures/, made by the code that a user meets, from the records of report_samples.py.

python -m tests.pictures        # needs Debian's chromium
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pyte
from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from cluster.report import write
from tasks.preflight import report
from tests import roles as roles_picture
from tests.terminal import line
from tests.unit import report_samples
from tests.unit.fake_run import BROKEN, fake_run
from tests.unit.test_progress_terminal import on_a_terminal

FOLDER = Path(__file__).parents[1] / "docs/pictures"
CHROMIUM = "/usr/bin/chromium"
WORKERS = 20
COLUMNS, LINES = 120, 44
SHOW_CURSOR = "\x1b[?25h"
# Without the fonts that rich would have from another place: a reader's own will do.
FORMAT = re.sub(r"@font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def roles() -> Path:
    """The three roles, and the stages of a deploy."""
    path = FOLDER / "roles.svg"
    path.write_text(roles_picture.svg())
    return path


def terminal(name: str, title: str, text: str | Text, width: int) -> Path:
    """A picture of a terminal of `width` columns that shows `text`, with the colours in it."""
    console = Console(record=True, width=width, file=open(os.devnull, "w"), force_terminal=True, _environ={})  # noqa: SIM115
    console.print(Text.from_ansi(text) if isinstance(text, str) else text, soft_wrap=True)
    path = FOLDER / f"{name}.svg"
    path.write_text(console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id=name))
    return path


def preflight(width: int = 132) -> Path:
    """What preflight shows."""
    verdict, _ = report_samples.preflight(WORKERS)
    shown = f"$ pyinfra inventories/prod.py tasks.preflight.check\n{report.text(verdict, width, colour=True)}"
    return terminal("preflight", "Preflight", shown, width)


def _screen(said: str) -> Text:
    """What a terminal shows that was sent `said`."""
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.Stream(screen).feed(said)
    shown = Text()
    for row in range(LINES):
        for span in line(screen, row):
            shown.append(span.text, Style(color=span.colour, bold=span.bold))
        shown.append("\n")
    shown.rstrip()
    return shown


def deploys() -> list[Path]:
    """A plan, a deploy of which one host fails while it goes on, and its last lines; hosts are pyinfra's @fake ones.

    Their names stand without that word, and the cluster's as prod.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = fake_run(Path(folder), WORKERS, BROKEN, fake_delay=0.4)
        _, planned = on_a_terminal(made.command("--dry", "--diff"), columns=COLUMNS)
        _, said = on_a_terminal(made.command("-y"), columns=COLUMNS)

    def plain(text: str) -> str:
        for found, shown in (("@fake/", ""), (str(made.deploy), "deploy.py"), (str(made.inventory), "prod.py")):
            text = text.replace(found, shown)
        return text.replace(made.name, "prod")

    live, _, _ = said.rpartition(SHOW_CURSOR)
    return [
        terminal("plan", "A dry run is a plan", _screen(plain(planned)), COLUMNS),
        terminal("live", "A deploy, while it goes on", _screen(plain(live)), COLUMNS),
        terminal("summary", "Its last lines", _screen(plain(said)), COLUMNS),
    ]


def page() -> Path:
    """The head of the report, as Chromium shows it."""
    path = FOLDER / "report.png"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        made = write(report_samples.write(Path(folder) / "prod", WORKERS))
        # Letters in shades of one colour make a smaller file; the sandbox needs another user than root.
        options = ["--disable-lcd-text", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        tab = browser.new_page(viewport={"width": 1240, "height": 780})
        tab.goto(made.as_uri())
        tab.screenshot(path=path)
        browser.close()
    return path


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for made in (roles(), preflight(), *deploys(), page()):
        print(f"{made.relative_to(Path.cwd())}: {made.stat().st_size // 1000} kB")
