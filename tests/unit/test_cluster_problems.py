"""Problem: how it is said, where it is, and what may be decided by it."""

from __future__ import annotations

import pytest

from cluster import ClusterError, Place, Problem
from cluster.problems import NOTICE, WARNING, errors


@pytest.mark.parametrize(
    ("place", "severity", "said"),
    [
        (Place("worker.csv", 3), "error", "worker.csv:3: blank line; remove it"),
        (Place("worker.csv"), "error", "worker.csv: blank line; remove it"),
        (Place("worker.csv", 3), "warning", "worker.csv:3: warning: blank line; remove it"),
        (Place("worker.csv", 3), "notice", "worker.csv:3: notice: blank line; remove it"),
        (Place(host="openpai-001"), "error", "openpai-001: blank line; remove it"),
        (Place(), "error", "blank line; remove it"),
        (Place(), "warning", "warning: blank line; remove it"),
    ],
)
def test_what_is_printed(place, severity, said):
    assert str(Problem("blank line", "remove it", place, severity)) == said


def test_the_cause_is_for_code_and_never_said():
    problem = Problem("Secure Boot is on", "turn it off", cause="secure-boot")
    assert (problem.cause, str(problem)) == ("secure-boot", "Secure Boot is on; turn it off [secure-boot]")
    assert problem.at(Place(host="w")) == Problem(
        "Secure Boot is on", "turn it off", Place(host="w"), cause="secure-boot"
    )


def test_problems_are_sorted_by_place_and_lines_as_numbers():
    places = [Place(host="b"), Place("a.csv", 0), Place("a.csv", 2), Place("a.csv", 10), Place("b.csv", 1)]
    problems = [Problem("z", "f", place) for place in places] + [Problem("a", "f", Place("c.csv"))]
    assert sorted(reversed(problems)) == problems
    here = [Problem(found, fix, severity=severity) for found in "ab" for fix in "cd" for severity in (NOTICE, WARNING)]
    assert sorted(reversed(here)) == here


def test_an_error_carries_all_problems_and_only_errors_forbid():
    one, two = Problem("b", "f", Place("x", 2)), Problem("a", "f", Place("x", 1), WARNING)
    error = ClusterError(one, two)
    assert (error.problems, str(error)) == ([two, one], "x:1: warning: a; f\nx:2: b; f")
    assert errors(error.problems) == [one]
