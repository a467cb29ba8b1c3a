"""The one loop that waits, run by a shell."""

import subprocess
import time

import pytest

from tasks.reach import until


def run(command):
    done = subprocess.run(["sh", "-c", command.get_raw_value()], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_condition_that_holds_ends_the_wait_at_once():
    assert run(until("true", 0, "echo late")) == (0, "", "")


def test_a_condition_that_comes_to_hold_is_met(tmp_path):
    begun = f"mkdir {tmp_path}/asked 2>/dev/null"
    assert run(until(f"! {begun}", 5, "echo late")) == (0, "", "")


@pytest.mark.parametrize(
    ("said", "expected"), [("", (0, "", "")), ("echo late; false", (1, "", "late\n"))], ids=["silent", "said"]
)
def test_the_time_is_limited_whatever_the_condition_takes(said, expected):
    started = time.monotonic()
    assert run(until("sleep 1.1; false", 1, said)) == expected
    assert 1.1 <= time.monotonic() - started < 4
