"""A pytest plugin (-p tests.module_times): at the end, each module's time with its fixtures, the slowest first."""

from __future__ import annotations

from collections import defaultdict

import pytest


class ModuleTimes:
    """Adds up what pytest reports of the tests."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called after a test's set-up, its call and its tear-down."""
        self.seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called at the end of the run."""
        terminalreporter.section("time of each module")
        for module, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{seconds:8.1f} s  {module}")
        terminalreporter.write_line(f"{sum(self.seconds.values()):8.1f} s  in all")


def pytest_configure(config: pytest.Config) -> None:
    """Called once, when pytest has read its options."""
    config.pluginmanager.register(ModuleTimes())
