"""The recording of a command's screen: what it keeps, and that its film is one light file that needs no other."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tests import recording
from tests.recording import LENGTH, PICTURES_A_SECOND, Recording, film, pictures
from tests.unit.documents import ROOT

SVG = "{http://www.w3.org/2000/svg}"
REHEARSAL = ROOT / "docs/pictures/rehearse.svg"


def text_of(picture: recording.Picture) -> list[str]:
    rows = ["".join(span.text for span in row) for row in picture.rows]
    return [row for row in rows if row]


def test_a_command_is_recorded_on_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    asks = "import os; print(os.isatty(1), os.get_terminal_size().columns, '\\x1b[32mgreen\\x1b[0m', os.getcwd())"
    made = recording.record([sys.executable, "-c", asks], columns=77)
    assert made.status == 0 and made.seconds > 0
    assert b"".join(piece for _, piece in made.pieces) == b"True 77 \x1b[32mgreen\x1b[0m ~/openpai-deploy\r\n"
    assert "True 77" in capfd.readouterr().out


def test_pictures_are_taken_at_even_times_where_something_changed() -> None:
    made = Recording(
        [(0.0, b"first\r\n"), (50.0, b"second\r\n"), (50.1, b"\x1b[1A\x1b[2Kinstead\r\n"), (100.0, b"end")], 0
    )
    shown = pictures(made, "make tea")
    assert [text_of(one) for one in shown] == [
        ["$ make tea", "first"],
        ["$ make tea", "first", "second"],
        ["$ make tea", "first", "instead"],
        ["$ make tea", "first", "instead", "end"],
    ]
    assert [one.at for one in shown] == [0, LENGTH / 2, LENGTH / 2 + 1 / PICTURES_A_SECOND, LENGTH]
    assert [round(one.clock) for one in shown] == [0, 50, 51, 100]


def test_a_film_is_well_formed_and_draws_each_line_once() -> None:
    made = Recording([(float(n), f"\x1b[32m{n}\x1b[0m & \x1b[1m<b>\x1b[0m\r\n".encode()) for n in range(LENGTH + 1)], 0)
    text = film(pictures(made, "count"), "count, twice as fast")
    root = ElementTree.fromstring(text)
    lines = root.findall(f"{SVG}defs/{SVG}text")
    drawn = ["".join(line.itertext()) for line in lines]
    assert len(drawn) == len(set(drawn)) == LENGTH + 2 and drawn[1] == "0&<b>", "blanks are places"
    assert {use.get("href") for use in root.iter(f"{SVG}use")} == {f"#{line.get('id')}" for line in lines}
    assert root.findtext(f"{SVG}title") == "count, twice as fast"
    assert len(re.findall(r"%\{transform:translateY", text)) == LENGTH + 1
    assert "prefers-reduced-motion" in text


def test_a_command_that_fails_leaves_no_film(tmp_path: Path) -> None:
    result = CliRunner().invoke(recording.main, [str(tmp_path / "x.svg"), "sh", "-c", "echo no; exit 3"])
    assert result.exit_code == 1 and "ended with 3: no film of it" in result.output
    assert not os.listdir(tmp_path)


def test_the_rehearsals_film_is_light_and_says_nothing_of_the_machine_that_made_it() -> None:
    text = REHEARSAL.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert len(text) < 500_000 and "<script" not in text
    hosts = set(re.findall(r"https?://([\w.:-]+)", text)) - {"www.w3.org"}
    assert all(host.startswith("10.77.") for host in hosts), "those of a lab alone"
    assert not re.search(r"/(?!var/(lib|cache)/openpai-lab)(root|tmp|srv|opt|work|mnt|var/cache)/", text)
    drawn = ["".join(line.itertext()) for line in root.findall(f"{SVG}defs/{SVG}text")]
    stages = [line.removeprefix("==").strip() for line in drawn if line.startswith("==")]
    source = (ROOT / "lab/rehearse.py").read_text(encoding="utf-8")
    for title in ("hosts, Kubernetes and OpenPAI", "the same again: nothing may change", "verification"):
        assert title in source and title in stages, stages
