"""What a run says, as pure text: hosts in few words, causes of failures, the summary; and what its log leaves out."""

from __future__ import annotations

import errno
import io
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from paramiko.ssh_exception import NoValidConnectionsError, SSHException
from rich.console import Console

from cluster import Place, Problem
from cluster.names import duration
from tasks.progress.closing import sentences
from tasks.progress.log import Mask
from tasks.progress.reasons import DEFAULT_REMEDY, Cause, Said, Voice, cause
from tasks.progress.record import FAILED, LEFT_OUT, NOT_REACHED, WELL, Change, Failure, HostRecord, Record
from tasks.progress.screen import Row, _table
from tasks.progress.summary import LINES, LONGEST, summary
from tasks.reach.connectors import unreached


def of(voice: Voice, *lines: str) -> list[Said]:
    return [Said(voice, line) for line in lines]


@pytest.mark.parametrize(
    ("stops", "said", "found"),
    [
        ([Problem("it is full", "make room")], [], Cause("it is full", "make room")),
        (["it is full; make room; then go on"], [], Cause("it is full", "make room; then go on")),
        (["it is full"], [], Cause("it is full", DEFAULT_REMEDY)),
        (["it is full [disk]"], [], Cause("it is full", DEFAULT_REMEDY.replace("[command-failed]", "[disk]"))),
        (["it is full; make room [disk]"], [], Cause("it is full", "make room [disk]")),
        ([Problem("it is full", "make room", cause="disk")], [], Cause("it is full", "make room [disk]")),
        ([Problem("it is full", "make room", Place("a.csv", 1))], [], Cause("a.csv:1: it is full", "make room")),
        (
            [],
            of(Voice.TASK, "rest-server: failed; see its log: /var/log/x.log", "  a line of the log"),
            Cause("rest-server: failed", "see its log: /var/log/x.log", "/var/log/x.log"),
        ),
        (
            [],
            of(Voice.COMMAND, "Reading", "E: no such package", "the whole log: /var/log/apt.log", "")
            + of(Voice.PYINFRA, "Error: executed 0 commands"),
            Cause("E: no such package", DEFAULT_REMEDY, "/var/log/apt.log"),
        ),
        (
            [],
            of(Voice.PYINFRA, "Command socket/SSH error: OSError('it has not ended within 9 s; see what hangs',)"),
            Cause("it has not ended within 9 s", "see what hangs"),
        ),
        (
            [],
            of(Voice.PYINFRA, "FactProcessError: Docker: the answer cannot be read (x); see the shell", "Error: no"),
            Cause("Docker: the answer cannot be read (x)", "see the shell"),
        ),
        ([], of(Voice.PYINFRA, "Error: executed 0 commands"), Cause("a command failed without a word", DEFAULT_REMEDY)),
    ],
)
def test_the_cause_of_a_failure(stops: list[Any], said: list[Said], found: Cause) -> None:
    assert cause(stops, said) == found


def record(*failures: Failure, left_out: int = 0) -> Record:
    """A run of a host for each failure, one that is well, and some that were left out."""
    made = Record("prod", dry=False, executed=True, stages={"Docker": 65.0, "Kubernetes": 4.0})
    for number, failure in enumerate(failures, 1):
        state = NOT_REACHED if failure.stage == "Connect" else FAILED
        made.hosts[f"openpai-{number:03}"] = HostRecord("worker", state, failure=failure)
    made.hosts["master"] = HostRecord("master", WELL, changed=[Change("Docker", "Packages", "now")])
    made.hosts |= {f"other-{number}": HostRecord("worker", LEFT_OUT) for number in range(left_out)}
    made.next = "pyinfra inventories/prod.py deploy.py"
    return made


def failure(number: int = 0, log: str = "run.log") -> Failure:
    return Failure("Docker", "Packages", f"reason {number}", "mend it", log)


def test_failures_that_are_alike_are_one() -> None:
    text = [line.text for line in summary(record(failure(log="a"), failure(log="b")), "run.log")]
    assert "FAILED openpai-[001-002]: Docker, Packages" in text
    assert text.count("    why: reason 0") == 1 and "    log: a" in text


def test_a_hosts_own_name_does_not_tell_failures_apart() -> None:
    named = [Failure("Docker", "", f"openpai-00{n} did not come back", "look at it", "") for n in (1, 2)]
    assert "FAILED openpai-[001-002]: Docker" in [line.text for line in summary(record(*named), "run.log")]


def test_hosts_that_are_not_reached_for_one_reason_are_one() -> None:
    lost = [Failure("Connect", "", f"10.0.0.{n}: timed out: 10.0.0.{n}:22", "look", "run.log") for n in (1, 2)]
    together, alone = ([line.text for line in summary(record(*some), "run.log")] for some in (lost, lost[:1]))
    assert "FAILED openpai-[001-002]: Connect" in together and "    why: ADDRESS: timed out: ADDRESS:22" in together
    assert "    why: 10.0.0.1: timed out: 10.0.0.1:22" in alone


@pytest.mark.parametrize("count", [0, 1, 3, 4, 100])
def test_the_summary_is_short_whatever_failed(count: int) -> None:
    said = ["interrupted", "another sentence"]
    lines = [line.text for line in summary(record(*map(failure, range(count)), left_out=2), "run.log", said)]
    assert len(lines) <= LINES
    shown = sum(line.startswith("FAILED") for line in lines)
    assert shown == count or f"{count - shown} more causes: run.log" in "\n".join(lines)
    assert shown >= min(count, 3)
    assert lines[-1] == "next: pyinfra inventories/prod.py deploy.py" and "left out: other-[0-1]" in lines


def test_a_program_that_says_much_does_not_fill_the_screen() -> None:
    long = Failure("Docker", "Packages", "x\n" * 1000, "mend it", "")
    assert max(len(line.text) for line in summary(record(long), "run.log")) == LONGEST


@pytest.mark.parametrize("executed", [False, True])
def test_a_function_that_ends_a_run_itself_has_the_last_word(executed: bool) -> None:
    """Preflight, told to pass over hosts that are not reached, ended with 1; of operations pyinfra forgets some."""
    made = record(Failure("Connect", "", "timed out", "look at it", ""))
    made.executed = executed
    state: Any = SimpleNamespace(is_executing=executed, inventory=[])
    sentences(state, made, SystemExit(0), {"inventory": "prod.py", "operations": ["tasks.preflight.check"]})
    assert made.status == int(executed)


def test_times_as_people_read_them() -> None:
    assert [duration(count) for count in (0.2, 59.4, 125, 3725)] == ["0 s", "59 s", "2 min 5 s", "1 h 02 min"]


def test_secrets_are_taken_out() -> None:
    mask = Mask(["hunter2", "hunter2-long", "ab"])
    assert mask("hunter2-long, hunter2, abc, http://me:pass@host/x") == "***, ***, abc, http://me:***@host/x"


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (NoValidConnectionsError({("10.0.0.1", 22): OSError(errno.ECONNREFUSED, "refused")}), "connection refused"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (NoValidConnectionsError({("10.0.0.1", 22): TimeoutError()}), "timed out"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route"),
        (NoValidConnectionsError({("10.0.0.1", 22): OSError(errno.ENETUNREACH, "x")}), "no route"),
        (socket.gaierror(-2, "Name or service not known"), "this name has no address"),
        (SSHException("Error reading SSH protocol banner"), "no SSH connection to port 22 (Error reading"),
        (EOFError(), "no SSH connection to port 22 (EOFError)"),
    ],
)
def test_why_a_host_is_not_reached(error: Exception, found: str) -> None:
    problem = unreached(error, "10.0.0.1", 22, "prod/config.yaml")
    assert problem.found.startswith(f"10.0.0.1: {found}"), problem
    assert problem.fix and problem.cause


@pytest.mark.parametrize("width", [60, 108])
def test_a_narrow_terminal_cuts_off_what_is_waited_for_and_nothing_else(width: int) -> None:
    shown = [
        Row("Apt goes through the proxy", 4, 4, 1, running=False),
        Row(
            "Docker",
            0,
            4,
            754,
            running=True,
            doing="Docker packages: waiting for all 4 hosts; log there: /var/log/x" * 2,
        ),
    ]
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(_table(shown))
    first, second = console.export_text().splitlines()
    assert first.split() == ["Apt", "goes", "through", "the", "proxy", "4", "of", "4", "1", "s"]
    assert "Docker " in second and " 0 of 4 " in second and "12 min 34 s  Docker" in second and "…" in second
