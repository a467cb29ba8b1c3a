"""Shells that stay open: a command says in them what it says by itself, and what goes wrong there ends one command."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from pyinfra.api import StringCommand

from tasks.docker.facts import Docker
from tasks.reach import asking, host_shell, kept_shells
from tasks.reach.connectors import ClusterLocal
from tests import random_commands


def connector(monkeypatch, tmp_path, quick=True, limit=60) -> Any:
    """This machine as a host, the present user for all; `started` are the command lines that were begun."""
    config = SimpleNamespace(command_timeout=limit, quick_connection=quick)
    monkeypatch.setattr(host_shell, "cluster_of", lambda host: SimpleNamespace(config=host.config, folder=tmp_path))
    monkeypatch.setattr(host_shell, "given_up", lambda *_: False)
    monkeypatch.setattr(ClusterLocal, "_compose", lambda *of: (str(of[1]), of[1], b"", str(of[1])))
    local: Any = ClusterLocal.__new__(ClusterLocal)
    local.state, local.host = None, SimpleNamespace(name="h", print_prefix="", config=config)
    start, local.started = local._start, []
    local._start = lambda raw, pty: local.started.append(raw) or start(raw, pty)
    return local


@pytest.fixture
def host(monkeypatch, tmp_path):
    local = connector(monkeypatch, tmp_path)
    yield local
    local._shells.close()


def said(local: Any, command: str, **arguments: Any) -> tuple[bool, str, str]:
    worked, output = local.run_shell_command(StringCommand(command), **arguments)
    return worked, output.stdout, output.stderr


def outcomes(local: Any, command: str) -> tuple[int, bytes]:
    return local._run_raw(StringCommand(command), None, {})[:2]


def test_it_says_what_the_command_says_by_itself(host, monkeypatch, tmp_path):
    plain = connector(monkeypatch, tmp_path, quick=False)
    source = random.Random(20)
    for _ in range(100):
        command = random_commands.command(source)
        assert said(host, command) == said(plain, command), command
    for _ in range(20):
        command = random_commands.command(source)
        (status, out), (alone, by_itself) = outcomes(host, command), outcomes(plain, command)
        # A shell says 128 and the signal's number where a signal ended the command.
        assert out == by_itself and status == (alone if alone >= 0 else 128 - alone), command
    assert host.started == ["sh"] and len(plain.started) == 120


def test_ten_megabytes(host):
    status, out = outcomes(host, "head -c 10000000 /dev/zero | tr '\\0' x")
    assert (status, len(out), set(out)) == (0, 10_000_000, {ord("x")})
    assert said(host, "echo after") == (True, "after", "")
    assert host.started == ["sh"]


@pytest.mark.parametrize(
    "arguments",
    [{"_stdin": "x"}, {"_get_pty": True}, {"_timeout": 5}, {"_sudo_user": "nobody"}, {"print_output": True}],
)
def test_what_a_kept_shell_cannot_do_is_run_by_itself(host, arguments):
    host.print_prefix = ""
    assert said(host, "echo by itself", **arguments)[0]
    assert host.started == ["echo by itself"]


def test_root_and_the_user_have_one_each(host):
    said(host, "true", _sudo=True), said(host, "true"), said(host, "true", _sudo=True)
    assert host.started == ["sh", "sh"]


def test_one_that_is_busy_is_not_waited_for(host):
    said(host, "true")
    slow = gevent.spawn(said, host, "sleep 1; echo slow")
    gevent.sleep(0.1)
    begun = time.monotonic()
    assert said(host, "echo meanwhile") == (True, "meanwhile", "")
    assert time.monotonic() - begun < 0.9 and host.started == ["sh", "echo meanwhile"]
    assert slow.get() == (True, "slow", "")


@pytest.fixture
def apart(host):
    """Each command in a session of its own, as sshd starts it: here the tests' own process group would be killed."""
    start = ClusterLocal._start
    host._start = lambda raw, pty: host.started.append(raw) or start(host, f"exec setsid -w {raw}", pty)
    return host


@pytest.mark.parametrize("how", ["kill -KILL $$", "kill -s KILL -- -$(cut -d' ' -f5 /proc/self/stat)"])
def test_a_command_that_ends_its_shell_has_failed_and_the_next_has_a_new_one(apart, how):
    assert said(apart, "echo before")[0]
    worked, _, errors = said(apart, how)
    assert not worked and "ended its own shell" in errors
    assert said(apart, "echo after") == (True, "after", "")
    first, clearing, second = apart.started
    assert first == second == "sh" and clearing.split()[:3] == ["rm", "-rf", "--"]
    assert not Path(clearing.split()[3]).exists(), "nothing is left of a shell that is killed"


# As on a full disk: what the command says is cut off, whatever its status, and no further file can be written.
FULL = """sh -c '
    exec 3>&1; out=$(readlink /proc/self/fd/3)
    case $out in *.out) mkdir "${out%out}room";; esac
    echo cut'"""


def test_an_output_without_room_is_no_answer(host):
    worked, output, errors = said(host, FULL)
    assert not worked and output == "" and "no room" in errors
    assert said(host, "echo after") == (True, "after", "")
    # A fact is read without a shell that is kept.
    as_fact = asking._noted(lambda *_: said(host, FULL))
    host.started.clear()
    assert as_fact(None, None, Docker) == (True, "cut", "") and host.started[1:] == [FULL]
    assert said(host, "echo b") == (True, "b", "") and host.started[1:] == [FULL, "echo b"]


def test_a_connection_that_is_lost_is_an_error_and_says_so(apart):
    assert said(apart, "echo before")[0]
    start = apart._start

    def lost(raw, pty):
        raise OSError("the connection to the host was lost")

    apart._start = lost
    ends = gevent.spawn(said, apart, "sleep 600")
    gevent.sleep(0.1)
    apart._shells._shells[False]._running.stdin.close()
    apart._shells._shells[False]._running.kill()
    with pytest.raises(OSError, match="connection to the host was lost"):
        ends.get(timeout=10)
    apart._start = start
    assert said(apart, "echo after") == (True, "after", "")


def test_a_command_that_hangs_is_killed_with_its_children(apart, tmp_path):
    apart.host.config.command_timeout = 1
    pid = tmp_path / "pid"
    with pytest.raises(OSError, match=r"not ended within 1 s.*command_timeout"):
        said(apart, f"sh -c 'sleep 600 & echo $! >{pid}; wait; :'")
    _gone(int(pid.read_text()))
    assert said(apart, "echo after") == (True, "after", "")


def _gone(number: int) -> None:
    with gevent.Timeout(10):
        while Path(f"/proc/{number}").exists() and "Z" not in Path(f"/proc/{number}/stat").read_text().split()[2]:
            gevent.sleep(0.02)


def test_where_no_shell_comes_each_command_is_run_by_itself(host, monkeypatch):
    start = ClusterLocal._start
    host._start = lambda raw, pty: host.started.append(raw) or start(host, "exit 1" if raw == "sh" else raw, pty)
    assert said(host, "echo a") == (True, "a", "") and said(host, "echo b") == (True, "b", "")
    assert host.started == ["sh", "echo a", "echo b"]


def test_a_shell_that_never_begins_holds_nothing_up_for_long(host, monkeypatch):
    monkeypatch.setattr(kept_shells, "PATIENCE", 0.2)
    start = ClusterLocal._start
    host._start = lambda raw, pty: start(host, "exec sleep 30" if raw == "sh" else raw, pty)
    assert said(host, "echo a") == (True, "a", "")


def test_what_runs_on_in_the_background_is_not_waited_for_and_writes_into_no_other_answer(host, tmp_path):
    go = tmp_path / "go"
    os.mkfifo(go)
    assert said(host, f"(cat {go}; echo late; echo late >&2; echo >{tmp_path}/done) & echo now") == (True, "now", "")
    assert said(host, f"echo go >{go}; while ! [ -e {tmp_path}/done ]; do sleep 0.01; done; echo mine") == (
        True, "mine", "",
    )  # fmt: skip


def test_nothing_is_left_when_the_run_ends(host, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    said(host, "true")
    assert list(tmp_path.glob("tmp.*"))
    host._foresight.keep = lambda: None
    host.disconnect()
    with gevent.Timeout(10):
        while list(tmp_path.glob("tmp.*")):
            gevent.sleep(0.02)


def test_switched_off_each_command_is_run_by_itself(monkeypatch, tmp_path):
    host = connector(monkeypatch, tmp_path, quick=False)
    assert said(host, "echo a") == (True, "a", "") and host.started == ["echo a"]
