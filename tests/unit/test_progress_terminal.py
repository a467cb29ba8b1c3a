"""Runs of the real `pyinfra` over fake hosts on a terminal, without one, and with Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable

import click

from tests.unit.fake_run import BROKEN, ROOT, FakeRun, environment, report

PATIENCE = 60
"""Seconds; a run over fake hosts takes two."""


def interrupted_when(run: FakeRun, reached: str, *arguments: str) -> tuple[int, str]:
    """The exit status and the output of a run that gets SIGINT once it has printed `reached`."""
    with subprocess.Popen(
        run.command(*arguments), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        limit = threading.Timer(PATIENCE, process.kill)
        limit.start()
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if reached in line:
                process.send_signal(signal.SIGINT)
        status = process.wait()
        limit.cancel()
    return status, "".join(said)


def on_a_terminal(command: list[str], answer: tuple[str, str] | None = None, columns: int = 100) -> tuple[int, str]:
    """The exit status of a command on a terminal, and all that it wrote there; (what to wait for, what to type)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(TERM="xterm", LANG="C.UTF-8"), stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    said, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            said += os.read(master, 65536)
        except OSError:
            break  # the other side is closed
        if answer and answer[0].encode() in said:
            os.write(master, answer[1].encode())
            answer = None
    if time.monotonic() >= end:
        process.kill()
    os.close(master)
    return process.wait(), said.decode()


def test_no_terminal_and_no_y(made: Callable[..., FakeRun]) -> None:
    run = made(workers=2)
    done = run.run()
    assert done.returncode == 2
    assert "no terminal to confirm on: -y goes on without asking" in done.stdout
    assert "none of 4 hosts was changed" in done.stdout
    assert "exception" not in done.stdout.lower() and "Traceback" not in done.stdout


def test_ctrl_c_ends_with_130_and_says_what_to_do(made: Callable[..., FakeRun]) -> None:
    run = made(workers=4, fake_delay=30.0)
    status, said = interrupted_when(run, "== Docker", "-y")
    assert status == 130, said
    assert "interrupted; run the same again: nothing is half done" in said
    assert report(run)["status"] == 130
    assert {host["state"] for host in report(run)["hosts"].values()} == {"not finished"}


def test_ctrl_c_under_pyinfras_own_output(made: Callable[..., FakeRun]) -> None:
    run = made(workers=4, fake_delay=30.0)
    status, said = interrupted_when(run, "Starting operation", "-y", "--data", "output=raw")
    assert status == 130, said


def test_a_terminal_shows_the_stages_live_and_is_left_as_it_was(made: Callable[..., FakeRun]) -> None:
    run = made(workers=4, fake_delay=0.6, answers=BROKEN)
    status, raw = on_a_terminal(run.command("-y"))
    said = click.unstyle(raw)
    assert status == 0, said
    assert re.search(r"Docker\s+0 of 6\s+\d s\s+Docker packages: waiting for all 6 hosts", said), said
    assert raw.count("\x1b[?25l") == raw.count("\x1b[?25h") > 0, "the cursor is back"
    # A line goes where the table was, which is drawn anew below it.
    assert re.search(r"\x1b\[1A\x1b\[2K\x1b\[32m   changed  Docker packages", raw), raw
    assert "6 of 6 hosts well" in said.split("== fake")[1]


def test_a_terminal_is_asked_after_the_plan(made: Callable[..., FakeRun]) -> None:
    run = made(workers=2)
    status, said = on_a_terminal(run.command("--diff"), answer=("Press enter to execute", "\n"))
    assert status == 0, said
    plan, _, rest = click.unstyle(said).partition("Press enter to execute")
    assert "would change  Docker packages: all 4 hosts" in plan and "+ new" in plan
    assert "4 of 4 hosts well" in rest and "+ new" in rest
