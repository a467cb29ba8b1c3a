"""What came of each check, and what is wrong by cause: equal failures of many hosts are one paragraph."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from rich.console import Console
from rich.text import Text

from cluster.names import short, unnamed
from tests.hosts import report
from tests.hosts.targets import Target
from tests.hosts.unreached import NOT_ASKED

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
# So many tests are named in a paragraph; the reports have them all.
SHOWN = 3
outcomes_key = pytest.StashKey[list["Outcome"]]()


@dataclass(frozen=True)
class Outcome:
    """One test on one host (empty: of the cluster); `message` begins with the host's name where it failed."""

    host: str
    address: str
    test: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Cause:
    """Failures that read alike but for the host: `message` goes on after the hosts' names."""

    hosts: tuple[str, ...]
    tests: tuple[str, ...]
    outcome: str
    message: str

    def __str__(self) -> str:
        more = f" and {len(self.tests) - SHOWN} more" if len(self.tests) > SHOWN else ""
        hosts = short(self.hosts) or "the cluster"
        return f"{self.outcome.upper()} {hosts}{self.message} ({', '.join(self.tests[:SHOWN])}{more})"


def judged(
    item: pytest.Item, call: pytest.CallInfo[None], result: pytest.TestReport, target: Target | None
) -> Outcome | None:
    """What this phase of a test (setup, call or teardown) decides; None where it decides nothing."""
    if result.passed and result.when != "call":
        return None
    outcome, message = str(result.outcome), ""
    if result.failed:
        outcome = FAILED if result.when == "call" else ERROR
        said = result.longreprtext
        if call.excinfo and not isinstance(call.excinfo.value, pytest.fail.Exception):
            said = f"the check itself broke ({call.excinfo.exconly()}); its traceback is in verify.html"
        message = " ".join(report.hide_secrets(said, target.cluster).split() if target else said.split())
    elif result.skipped and isinstance(result.longrepr, tuple):
        message = result.longrepr[2].removeprefix("Skipped: ")
    name = getattr(item, "originalname", None) or item.name
    host = target.host if target else None
    return Outcome(host.name if host else "", host.address if host else "", name, outcome, message)


def causes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """What failed, by cause: errors before failures, else in the order of the tests."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        if one.outcome in (ERROR, FAILED):
            groups.setdefault((one.outcome, unnamed(one.message, one.host, one.address)), []).append(one)
    found = []
    for (outcome, message), members in groups.items():
        hosts = tuple(dict.fromkeys(one.host for one in members))
        tests = tuple(dict.fromkeys(one.test for one in members))
        own, name = (members[0].message, hosts[0]) if len(hosts) == 1 else (message, "HOST")
        rest = own.removeprefix(name) if name else own
        found.append(Cause(hosts, tests, outcome, rest if rest.startswith((": ", " (")) else f": {own}"))
    return sorted(found, key=lambda cause: cause.outcome != ERROR)


def not_asked(outcomes: Iterable[Outcome]) -> int:
    """How many tests were not run, as the host that they ask gives no answer."""
    return sum(one.outcome == SKIPPED and one.message.startswith(NOT_ASKED) for one in outcomes)


def left_out(outcomes: Sequence[Outcome], unreached: Iterable[str]) -> list[str]:
    """A line on those tests, where there are any."""
    missing = not_asked(outcomes)
    return [f"{missing} tests were not run: {short(unreached)} gives no answer"] if missing else []


def wrapped(line: str, width: int | None) -> list[str]:
    """`line` in lines of `width` columns, all but the first moved in; without a width as it is."""
    if width is None:
        return [line]
    console = Console(file=io.StringIO(), width=width, _environ={})
    first, *others = [part.plain.rstrip() for part in Text(line).wrap(console, width)]
    if not others:
        return [first]
    rest = line[len(first) :].lstrip()
    return [first, *(f"    {part.plain.rstrip()}" for part in Text(rest).wrap(console, max(width - 4, 1)))]
