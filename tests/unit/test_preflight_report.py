"""The table, the summary and the JSON report of preflight."""

import json

from tasks.preflight import reference, report
from tasks.preflight.model import Severity
from tasks.preflight.verdict import Outcome, Row, Verdict, judge
from tests.unit.preflight_survey import surveyed

LONG = Row("openpai-001", "memory", Severity.MUST, Outcome.UNMET, "8000 MB", "16000 MB", "add memory, or lower it")
SHOULD = Row("openpai-002", "gpus-equal", Severity.SHOULD, Outcome.UNMET, "2 x A", "4 x A", "expect the smallest")
COMING = Row("openpai-002", "docker", Severity.MUST, Outcome.BY_DEPLOY, "not installed", "Docker", "")
SKIPPED = Row("openpai-002", "swap", Severity.MUST, Outcome.SKIPPED, "/swapfile", "no swap", "swapoff -a")


def test_one_line_a_row_without_a_terminal():
    lines = report.text(Verdict(2, (LONG, SHOULD), ())).splitlines()
    assert lines[0].split() == ["HOST", "SEVERITY", "REQUIREMENT", "FOUND", "NEEDED", "FIX"]
    assert "8000 MB" in lines[1] and "add memory, or lower it" in lines[1]
    assert lines[-1] == "Preflight of 2 host(s): 1 must(s) and 1 should(s) unmet."
    assert "\x1b" not in "".join(lines)


def test_a_terminal_gets_colours_and_lines_that_fit():
    text = report.text(Verdict(2, (LONG, SHOULD), ()), width=90, colour=True)
    assert "\x1b[31m" in text and "\x1b[33m" in text
    plain = report.text(Verdict(2, (LONG, SHOULD), ()), width=90)
    assert max(map(len, plain.splitlines())) <= 90
    assert all(word in plain for word in LONG.fix.split())


def test_what_the_deploy_sees_to_and_what_is_skipped_is_summed_up():
    text = report.text(Verdict(2, (COMING, SKIPPED), ("swap",)))
    assert text.splitlines() == [
        "Preflight of 2 host(s): 0 must(s) and 0 should(s) unmet.",
        "The deploy itself sees to: docker (1).",
        "Skipped by skip_requirements: swap; 1 unmet among them.",
    ]


def test_the_json_report_holds_rows_hosts_and_what_was_skipped(tmp_path):
    survey = surveyed("bookworm")
    path = tmp_path / "reports" / "preflight.json"
    report.write(path, report.as_json(judge(survey, skipped=["swap"]), survey))
    found = json.loads(path.read_text())
    assert found["met"] and found["skipped"] == ["swap"] and found["cluster"] == "cluster"
    assert found["hosts"]["openpai-worker"]["gpus"] == "4 x NVIDIA H100 80GB HBM3"
    assert {row["outcome"] for row in found["rows"]} == {"by deploy"}
    assert [file.name for file in path.parent.iterdir()] == ["preflight.json"]


def test_the_reference_of_requirements_is_current():
    document = reference.DOCUMENT.read_text()
    assert document == reference.written(document), "run: python -m tasks.preflight.reference"
