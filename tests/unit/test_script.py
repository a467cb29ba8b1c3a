"""Shell programs of files/ as commands, run on this machine."""

import subprocess
import sys

import pytest
from pyinfra.api import StringCommand

from tasks.reach import script

HOSTILE = ["a b", "'; touch PWNED; echo '", "$(touch PWNED)", "`touch PWNED`", "-n", "", '"\n\\ é', "*"]


@pytest.fixture
def show(tmp_path, monkeypatch):
    """A program that shows its arguments and its input."""
    monkeypatch.setattr(sys.modules["tasks.reach.script"], "FILES", tmp_path)
    (tmp_path / "room").mkdir()
    (tmp_path / "room/show.sh").write_text('# why it\'s here\nprintf \'%s|\' "$0" "$@"\ncat\nexit 3\n')
    return "room/show.sh"


def run(command: StringCommand, where, text="") -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", "-c", command.get_raw_value()], input=text, capture_output=True, text=True, cwd=where, timeout=20
    )


def test_arguments_arrive_as_they_are(show, tmp_path):
    done = run(script(show, *HOSTILE, 7), tmp_path)
    assert done.stdout.split("|") == [show, *HOSTILE, "7", ""] and done.stderr == ""
    assert not (tmp_path / "PWNED").exists()


def test_standard_input_and_exit_status_are_the_programs(show, tmp_path):
    done = run(script(show), tmp_path, "given\n")
    assert (done.stdout, done.returncode) == (f"{show}|given\n", 3)


def test_it_is_one_command_of_a_longer_one(show, tmp_path):
    assert run(StringCommand(script(show, "a"), "|| echo failed with $?"), tmp_path).stdout.endswith("failed with 3\n")
