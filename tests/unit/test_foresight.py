"""Facts ahead of time: an answer among others is the command's own, and holds no longer than it may."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyinfra.api import facts
from pyinfra.connectors.util import make_unix_command
from pyinfra.facts.files import File

from tasks.docker.facts import Docker
from tasks.kubernetes.facts.cluster import Members
from tasks.reach import asking, deciding, foresight, host_shell
from tasks.reach.answers import Answer, head, heard, question
from tasks.reach.asking import Holds
from tasks.reach.connectors import ClusterLocal
from tasks.reach.foresight import KEPT, Foresight
from tasks.reach.kept_shells import ShellEnded

HOST = Holds.UNTIL_THE_HOST_CHANGES
CLUSTER = Holds.UNTIL_A_HOST_CHANGES


def said(commands: list[str]) -> bytes:
    """What this machine's sh prints of them."""
    return subprocess.run(["sh"], input=head() + question(commands), capture_output=True, check=True).stdout


def run(as_root: bool, commands: list[str]) -> dict[str, Answer]:
    """A host: this machine's sh."""
    return dict(heard(io.BytesIO(said(commands)), commands))


def alone(command: str) -> Answer:
    """What `command` says by itself."""
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def host(tmp_path):
    """A host that was asked `echo a` and `echo b` by the run before; `host.asked` are the programs it was sent."""
    return remembered(tmp_path, {"echo a": 0, "echo b": 0})


def remembered(folder, commands) -> Foresight:
    folder.mkdir(exist_ok=True)
    (folder / "h.json").write_text(json.dumps({"root": commands, "user": {}}))
    sent: list[list[str]] = []

    def listening(as_root, commands):
        sent.append(commands)
        return run(as_root, commands)

    host = Foresight(folder, "h", listening)
    host.sent = sent  # type: ignore[attr-defined]
    return host


PIECES = (
    "printf 'no newline'", "echo line", "printf 'a\\0b'", "printf '@@@ 0 1 1\\n'", "echo '@@@ 9 99 99' >&2",
    "echo said >&2", "head -c 300000 /dev/zero", "cat", "exit 3", "false", "kill -9 $$", "exec 1>&2", "cd /",
    "x='it'\"'\"'s'; echo \"$x\"", "printf '\\377\\n'", "sh -c 'echo inner; exit 7'", "trap 'echo bye' EXIT",
    "no-such-command", "kept=/; echo $kept", "if", "# a comment", "answer() { :; }",
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=1).map("\n".join), min_size=1, unique=True))
def test_many_in_one_answer_as_each_by_itself(commands):
    """As the commands of facts come: a word list of sh and its program."""
    whole = [f"sh -c {shlex.quote(command)}" for command in commands]
    assert run(True, whole) == {command: alone(command) for command in whole}


def test_a_hosts_files_are_asked_for_together_and_each_has_its_answer(tmp_path):
    """By one command that no fact asks: it is neither an answer nor noted."""
    commands = [make_unix_command(File().command(path)).get_raw_value() for path in ("/usr", "/no-such", "/etc/passwd")]
    host = remembered(tmp_path / "kept", dict.fromkeys([*commands, "echo other"], 0))
    for command in (*commands, "echo other"):
        expected, answer = alone(command), host.answer(command, True, HOST)
        assert answer and (answer.status, answer.stdout, answer.stderr) == (0, expected.stdout, b"")
    ((other, together),) = host.sent  # type: ignore[attr-defined]
    assert other == "echo other" and together not in commands
    host.keep()
    assert json.loads((tmp_path / "kept/h.json").read_text())["root"].keys() == {*commands, "echo other"}


def test_what_was_said_elsewhere_is_not_asked_again(host, monkeypatch):
    host.told({"echo a": Answer(0, b"told\n", b"")})
    assert host.answer("echo a", True, HOST).output.stdout == "told"
    assert host.answer("echo b", True, HOST).output.stdout == "b"
    assert host.answer("echo a", False, HOST) is None, "it was root who said it"
    assert host.sent == [["echo b"]]
    monkeypatch.setattr(foresight, "AGE", 0)
    assert host.answer("echo a", True, HOST) is None


@pytest.mark.parametrize("change", [Foresight.changed, lambda _: None])
def test_what_was_said_before_a_change_holds_no_longer(host, tmp_path, change):
    host.told({"echo a": Answer(0, b"told\n", b"")})
    change(host)
    remembered(tmp_path / "other", {}).changed()
    assert host.answer("echo a", True, CLUSTER) is None


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_what_was_cut_off_is_no_answer(cut):
    commands = ["echo first", "echo second"]
    output = said(commands)
    for broken in (output[:-cut], b"a banner\n" + output):
        with pytest.raises(ValueError):
            dict(heard(io.BytesIO(broken), commands))


def test_the_first_question_asks_all(host):
    assert host.answer("echo a", True, HOST) == Answer(0, b"a\n", b"")
    assert host.answer("echo b", True, CLUSTER).output.stdout == "b"
    assert host.answer("echo c", True, HOST) is None
    assert host.answer("echo a", False, HOST) is None, "the login's user is not root"
    assert len(host.sent) == 1


def test_a_change_ends_it(host):
    assert host.answer("echo a", True, HOST)
    host.changed()
    assert host.answer("echo a", True, HOST) is None
    assert len(host.sent) == 1


def test_before_the_first_question_too(host):
    host.changed()
    assert host.answer("echo a", True, HOST) is None and not host.sent


def test_a_change_of_another_host_ends_what_rests_on_others(host, tmp_path):
    assert host.answer("echo a", True, CLUSTER)
    remembered(tmp_path / "other", {}).changed()
    assert host.answer("echo a", True, CLUSTER) is None
    assert host.answer("echo a", True, HOST)


def test_an_old_answer_is_none(host, monkeypatch):
    """The limit that remains: what a person changes behind the run's back is not seen while an answer is younger."""
    assert host.answer("echo a", True, HOST)
    monkeypatch.setattr(foresight, "AGE", 0)
    assert host.answer("echo a", True, HOST) is None


def test_what_rests_on_time_is_never_foreseen(host):
    assert host.answer("echo a", True, Holds.NOT) is None and not host.sent


def test_a_host_that_does_not_answer_all_is_asked_one_by_one(tmp_path):
    def hangs(as_root, commands):
        raise OSError("a command has not ended within 60 s")

    def ends(as_root, commands):
        raise ShellEnded("no mark")

    (tmp_path / "h.json").write_text(json.dumps({"root": {"echo a": 0}, "user": {}}))
    assert Foresight(tmp_path, "h", hangs).answer("echo a", True, HOST) is None
    assert Foresight(tmp_path, "h", ends).answer("echo a", True, HOST) is None
    assert Foresight(tmp_path, "h", lambda *_: {}).answer("echo a", True, HOST) is None


def test_what_no_run_asks_any_more_is_forgotten(tmp_path):
    for runs in range(KEPT):
        host = Foresight(tmp_path, "h", run)
        host.answer("echo new" if runs else "echo old", True, HOST)
        host.keep()
        assert "echo old" in json.loads((tmp_path / "h.json").read_text())["root"]
        assert (tmp_path / "h.json").stat().st_mode & 0o777 == 0o600
    Foresight(tmp_path, "h", run).keep()
    host = Foresight(tmp_path, "h", run)
    host.answer("echo new", True, HOST)
    host.keep()
    assert json.loads((tmp_path / "h.json").read_text()) == {"root": {"echo new": 0}, "user": {}}


def test_what_an_installing_run_asked_is_forgotten_by_the_next(tmp_path):
    installing = Foresight(tmp_path, "h", run)
    for command in ("echo always", "echo to install"):
        installing.answer(command, True, HOST)
    installing.changed()
    installing.keep()
    for _ in range(KEPT):
        host = Foresight(tmp_path, "h", run)
        assert host.answer("echo always", True, HOST), "known from the run before"
        host.keep()
        assert json.loads((tmp_path / "h.json").read_text())["root"] == {"echo always": 0}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"root": 1, "user": {}}', '{"root": {}}'])
def test_a_broken_note_is_none(tmp_path, content):
    (tmp_path / "h.json").write_text(content)
    assert Foresight(tmp_path, "h", run).answer("echo a", True, HOST) is None


def test_switched_off_nothing_is_noted(tmp_path):
    host = Foresight(None, "h", run)
    assert host.answer("echo a", True, HOST) is None
    host.keep()
    assert list(tmp_path.iterdir()) == []


def test_how_long_an_answer_holds_is_the_facts_word(monkeypatch):
    seen = []
    get = asking._noted(lambda *_: seen.append(asking.asking()))
    for fact in (Docker, Members, dict):
        get(None, None, fact)
    assert seen == [HOST, CLUSTER, HOST] and asking.asking() is None
    assert facts._get_fact.__module__ == "tasks.reach.asking"
    assert "_get_fact" in facts.get_fact.__code__.co_names, "pyinfra must still call it by this name"


@pytest.fixture
def connector(tmp_path, monkeypatch):
    """The connector of this machine, whose folder notes what an earlier run asked; `connector.started` counts."""
    config = SimpleNamespace(command_timeout=60, quick_connection=True)
    monkeypatch.setattr(host_shell, "cluster_of", lambda host: SimpleNamespace(config=config, folder=tmp_path))
    monkeypatch.setattr(host_shell, "given_up", lambda *_: False)
    local: Any = ClusterLocal.__new__(ClusterLocal)
    local.state, local.host = None, SimpleNamespace(name="h", print_prefix="")
    monkeypatch.setattr(local, "_compose", lambda command, _: (str(command), command, b"", str(command)), raising=False)
    start, local.started = local._start, []
    monkeypatch.setattr(local, "_start", lambda raw, pty: local.started.append(raw) or start(raw, pty), raising=False)
    remembered(tmp_path / foresight.FOLDER, {"echo a": 0, "echo b; exit 3": 0})
    return local


def test_a_facts_command_is_answered_and_a_command_is_run(connector):
    as_fact = asking._noted(lambda state, host, cls, command, **more: connector.run_shell_command(command, **more))
    assert as_fact(None, None, Docker, "echo a", _sudo=True)[1].stdout == "a"
    assert as_fact(None, None, Docker, "echo b; exit 3", _sudo=True)[0] is False
    assert connector.started == ["sh"]
    assert as_fact(None, None, Docker, "echo a", _sudo=True, _stdin="x")[0] and connector.started == ["sh", "echo a"]
    assert connector.run_shell_command("echo a", _sudo=True)[0]
    assert as_fact(None, None, Docker, "echo a", _sudo=True)[0]
    assert connector.started == ["sh", "echo a"], "the shell that has answered ahead of time answers on"


def test_what_preflight_was_told_is_no_longer_asked(connector):
    connector.heard([("echo a", ["of", "", "preflight"])])
    as_fact = asking._noted(lambda state, host, cls, command, **more: connector.run_shell_command(command, **more))
    assert as_fact(None, None, Docker, "echo a", _sudo=True)[1].stdout == "of\n\npreflight"
    assert as_fact(None, None, Docker, "echo b; exit 3", _sudo=True)[0] is False


def test_what_was_asked_is_noted_when_the_run_ends(connector, tmp_path):
    asking._noted(lambda *_: connector.run_shell_command("echo new", _sudo=True))(None, None, Docker)
    connector.disconnect()
    assert "echo new" in json.loads((tmp_path / foresight.FOLDER / "h.json").read_text())["root"]


def test_a_change_behind_our_back_is_seen_before_anything_rests_on_it(connector, tmp_path, monkeypatch):
    """A file is as wanted by now, though foreseen otherwise: it is not written. The other way round is the limit."""
    file = tmp_path / "f"
    file.write_text("old")
    remembered(tmp_path / foresight.FOLDER, {f"cat {file}": 0})
    monkeypatch.setattr(deciding, "host", SimpleNamespace(connector=connector))
    monkeypatch.setattr(deciding, "state", SimpleNamespace(is_executing=True))

    def content():
        get = asking._noted(lambda *_: connector.run_shell_command(f"cat {file}", _sudo=True)[1].stdout)
        return get(None, None, Docker)

    def written():
        if content() != "wanted":
            yield "write"

    assert content() == "old"
    file.write_text("wanted")
    assert content() == "old", "foreseen: a change from wanted to old would be seen by the next run, or after AGE"
    assert list(deciding._anew(written)()) == []
