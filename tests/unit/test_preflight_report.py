"""The rows by cause, the summary and the JSON report of preflight."""

import json
import re

import pytest

from cluster.report import save
from tasks.preflight import reference, report
from tasks.preflight.causes import SHOWN, causes
from tasks.preflight.model import Severity
from tasks.preflight.verdict import Outcome, Row, Verdict, judge
from tests.unit.preflight_survey import surveyed

LONG = Row("openpai-001", "memory", Severity.MUST, Outcome.UNMET, "8000 MB", "16000 MB", "add memory, or lower it")
SHOULD = Row("openpai-002", "gpus-equal", Severity.SHOULD, Outcome.UNMET, "2 x A", "4 x A", "expect the smallest")
COMING = Row("openpai-002", "docker", Severity.MUST, Outcome.BY_DEPLOY, "not installed", "Docker", "")
SKIPPED = Row("openpai-002", "swap", Severity.MUST, Outcome.SKIPPED, "/swapfile", "no swap", "swapoff -a")

ADDRESSES = {f"openpai-{number:03}": f"10.0.0.{number}" for number in range(1, 101)}
WIDTHS = (40, 80, 119, 120, 160, 240)


def unmet(number: int, id: str, found: str, needed: str, fix: str, severity: Severity = Severity.MUST) -> Row:
    return Row(f"openpai-{number:03}", id, severity, Outcome.UNMET, found, needed, fix)


def unreached(number: int) -> Row:
    found = f"10.0.0.{number}: no SSH connection to port 22 (timed out)"
    return unmet(number, "reachable", found, "an SSH connection", "check that the machine is up")


def nameless(number: int) -> Row:
    name = f"openpai-{number:03}"
    fix = f"on the host: `echo 127.0.1.1 {name} >>/etc/hosts`"
    return unmet(number, "hostname-resolves", f"no address for {name}", "an entry", fix, Severity.SHOULD)


def small(number: int, memory: int) -> Row:
    return unmet(number, "memory", f"{memory} MB", "16000 MB", "add memory, or lower worker_min_memory_mb")


HUNDRED = Verdict(
    100,
    (
        *(nameless(number) for number in range(1, 101, 7)),
        *(small(number, 8000 + number // 20) for number in range(1, 101)),
        *(unreached(number) for number in (*range(1, 19), 20)),
    ),
    (),
    ADDRESSES,
)


def test_one_cause_on_many_hosts_is_one_row() -> None:
    found = causes(HUNDRED.unmet, ADDRESSES)
    assert [(cause.requirement, cause.named) for cause in found[:2]] == [
        ("reachable", "openpai-[001-018,020]"),
        ("memory", "openpai-[001-100]"),
    ]
    assert found[0].found == "ADDRESS: no SSH connection to port 22 (timed out)"
    assert found[2].fix == "on the host: `echo 127.0.1.1 HOST >>/etc/hosts`" and len(found) == 3


def test_of_many_answers_the_commonest_are_shown_with_their_hosts() -> None:
    rows = [small(1, 1), small(2, 2), small(3, 2), small(4, 3), small(5, 4)]
    (cause,) = causes(rows, ADDRESSES)
    assert cause.found == "2 MB (openpai-[002-003]); 1 MB (openpai-001); 3 MB (openpai-004); others (openpai-005)"
    assert cause.found.count("MB") == SHOWN


def test_one_host_keeps_its_own_words() -> None:
    (cause,) = causes([nameless(7)], ADDRESSES)
    assert (cause.found, cause.named) == ("no address for openpai-007", "openpai-007")
    (cause,) = causes([small(1, 5), small(1, 6)], ADDRESSES)
    assert cause.found == "5 MB; 6 MB"


def test_another_remedy_is_another_cause() -> None:
    other = unmet(2, "memory", "8000 MB", "16000 MB", "add memory")
    assert len(causes([small(1, 8000), other], ADDRESSES)) == 2


def test_the_order_is_the_same_however_the_rows_come() -> None:
    said = report.text(HUNDRED)
    again = Verdict(100, tuple(sorted(HUNDRED.rows, key=lambda row: row.host)), (), ADDRESSES)
    assert report.text(again) == said


def test_without_a_terminal_a_cause_is_one_line() -> None:
    lines = report.text(HUNDRED).splitlines()
    assert lines[0].split() == ["HOST", "SEVERITY", "REQUIREMENT", "FOUND", "NEEDED", "FIX"]
    assert [line.split()[2] for line in lines[1:4]] == ["reachable", "memory", "hostname-resolves"]
    assert lines[4:] == ["", "Preflight of 100 host(s): 119 must(s) and 15 should(s) unmet."]
    assert "\x1b" not in "".join(lines)


def test_what_a_host_says_on_many_lines_is_still_one_line() -> None:
    row = unmet(1, "sudo", "line one\nline two", "sudo", "as root")
    assert "line one line two" in report.text(Verdict(1, (row,), ())).splitlines()[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = report.text(HUNDRED, width)
    assert max(map(len, text.splitlines())) <= width
    words = re.sub(r"\s+", "", text)
    for cause in causes(HUNDRED.unmet, ADDRESSES):
        # In a table the columns' lines are side by side: word by word.
        assert all(word in words for part in (cause.needed, cause.requirement) for word in part.split())


def test_a_terminal_gets_colours() -> None:
    for width in WIDTHS:
        text = report.text(Verdict(2, (LONG, SHOULD), ()), width=width, colour=True)
        assert "31m" in text and "33m" in text


def test_what_looks_like_markup_is_written_as_it_is() -> None:
    row = unmet(1, "memory", "[red]8 MB[/red] :smile:", "[b]", "[/]")
    assert "[red]8 MB[/red] :smile:  [b]     [/]" in report.text(Verdict(1, (row,), ()))


def test_what_the_deploy_sees_to_and_what_is_skipped_is_summed_up() -> None:
    text = report.text(Verdict(2, (COMING, SKIPPED), ("swap",)))
    assert text.splitlines() == [
        "Preflight of 2 host(s): 0 must(s) and 0 should(s) unmet.",
        "The deploy itself sees to: docker (1).",
        "Skipped by skip_requirements: swap; 1 unmet among them.",
    ]


def test_the_json_report_holds_rows_hosts_and_what_was_skipped(tmp_path) -> None:
    survey = surveyed("bookworm")
    path = tmp_path / "reports" / "preflight.json"
    assert save(path, report.as_json(judge(survey, skipped=["swap"]), survey)) == path
    found = json.loads(path.read_text())
    assert found["met"] and found["skipped"] == ["swap"] and found["cluster"] == "cluster"
    assert found["kind"] == "preflight" and found["causes"] == []
    assert found["hosts"]["openpai-worker"]["gpus"] == "4 x NVIDIA H100 80GB HBM3"
    assert {row["outcome"] for row in found["rows"]} == {"by deploy"}
    assert [file.name for file in path.parent.iterdir()] == ["preflight.json"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_reference_of_requirements_is_current() -> None:
    document = reference.DOCUMENT.read_text()
    assert document == reference.written(document), "run: python -m tasks.preflight.reference"
