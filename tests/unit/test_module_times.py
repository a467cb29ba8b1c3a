"""The times of test modules at the end of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.module_times import ModuleTimes


def test_a_modules_time_is_that_of_its_tests_and_fixtures():
    lines: list[str] = []
    times = ModuleTimes()
    for test, seconds in (("a.py::one", 0.5), ("b.py::C::two[x::y]", 2), ("a.py::one", 1), ("a.py::three", 0.25)):
        report: Any = SimpleNamespace(nodeid=test, duration=seconds)
        times.pytest_runtest_logreport(report)
    reporter: Any = SimpleNamespace(section=lines.append, write_line=lines.append)
    times.pytest_terminal_summary(reporter)
    assert [line.split() for line in lines[1:]] == [
        ["2.0", "s", "b.py"],
        ["1.8", "s", "a.py"],
        ["3.8", "s", "in", "all"],
    ]
