"""The connectors' shell scripts, run by a real shell."""

import hashlib
import io
import os
import signal
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from paramiko.ssh_exception import SSHException
from pyinfra.api import StringCommand

from lab.wait import wait_until
from tasks.reach import host_shell, script, streams
from tasks.reach.connectors import ClusterLocal, ClusterSSH
from tasks.reach.script import program


def write(path, content, claimed=None):
    """Run the upload script on `content` as if `claimed` had been announced."""
    claimed = content if claimed is None else claimed
    arguments = [str(path), str(len(claimed)), hashlib.sha256(claimed).hexdigest()]
    command = script("reach/write.sh", *arguments).get_raw_value()
    return subprocess.run(["sh", "-c", command], input=content, capture_output=True, check=False)


def test_an_upload_keeps_mode_and_leaves_nothing_beside(tmp_path):
    target = tmp_path / "daemon.json"
    target.write_bytes(b"old")
    target.chmod(0o640)
    assert write(target, b"new\0bytes").returncode == 0
    assert target.read_bytes() == b"new\0bytes"
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["daemon.json"]


def test_a_new_file_is_private(tmp_path):
    assert write(tmp_path / "secret", b"x").returncode == 0
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("sent", [b"", b"ne", b"nxx"])
def test_a_transfer_cut_short_replaces_nothing(tmp_path, sent):
    target = tmp_path / "f"
    target.write_bytes(b"old")
    done = write(target, sent, claimed=b"new")
    assert done.returncode == 1
    assert b"cut short" in done.stderr
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("ended", [signal.SIGHUP, signal.SIGTERM])
def test_an_upload_that_a_signal_ends_leaves_nothing_beside(tmp_path, ended):
    words = [str(word) for word in program("reach/write.sh", str(tmp_path / "f"), 1000, "sum")]
    upload = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
    assert upload.stdin
    upload.stdin.write(b"half")
    upload.stdin.flush()
    wait_until(lambda: any(one.stat().st_size for one in tmp_path.iterdir()), 10)
    os.killpg(upload.pid, ended)
    upload.communicate()
    assert upload.returncode == 1 and os.listdir(tmp_path) == []


def test_an_upload_whose_connection_is_cut_leaves_nothing_beside(tmp_path):
    """sshd closes what it reads and takes its words no more; Python ignores SIGPIPE, and what it starts would, too."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [str(word) for word in program("reach/write.sh", str(tmp_path / "f"), 1000, "sum")]
    done = subprocess.run(["env", "--default-signal=PIPE", *words], input=b"half", stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 1 and os.listdir(tmp_path) == []


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """A sudo stand-in: asks for a password by standard input unless the file `free` exists."""
    program = tmp_path / "sudo"
    program.write_text(
        f"""#!/bin/sh
case " $* " in
*" -n "*) [ -e {tmp_path}/free ] || exit 1;;
*) IFS= read -r p; [ "$p" = "s3cret pa\\ss'" ] || exit 1;;
esac
while [ $# -gt 0 ]; do case $1 in -p) shift 2;; -*) shift;; *) break;; esac; done
exec "$@"
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def as_root(command, given):
    words = script("reach/sudo.sh", *command.split()).get_raw_value()
    return subprocess.run(["sh", "-c", words], input=given, capture_output=True, check=False)


@pytest.mark.parametrize("free", [False, True])
def test_the_password_never_reaches_the_command(sudo, free):
    if free:
        (sudo / "free").touch()
    done = as_root("cat", b"s3cret pa\\ss'\npayload\n\xff")
    assert (done.returncode, done.stdout) == (0, b"payload\n\xff")


def test_a_wrong_password_fails(sudo):
    assert as_root("cat", b"wrong\n").returncode == 1


@pytest.mark.parametrize("password", [None, "s3cret pa\\ss'"])
def test_root_does_not_start_in_the_users_home(sudo, monkeypatch, password):
    """On NFS with root_squash it has no right there: update-initramfs failed, as find could not come back to it."""
    if password is None:
        (sudo / "free").touch()
    connector: Any = ClusterLocal.__new__(ClusterLocal)
    connector.state, connector.host = None, None
    monkeypatch.setattr(host_shell, "make_unix_command_for_host", lambda state, host, command: command)
    monkeypatch.setattr(connector, "_is_root", lambda: False, raising=False)
    monkeypatch.setattr(connector, "_sudo_password", lambda: password, raising=False)
    raw, _, given, _ = connector._compose(StringCommand("pwd"), {"_sudo": True})
    done = subprocess.run(["sh", "-c", raw], input=given, capture_output=True, check=True, cwd=sudo)
    assert done.stdout == b"/\n"


@pytest.mark.parametrize(
    ("given", "sent"),
    [("a", b"a\n"), (["a", "b\n"], b"a\nb\n"), (b"\0raw", b"\0raw"), (io.BytesIO(b"file"), b"file"), (None, b"")],
)
def test_what_is_fed_to_a_command(given, sent):
    class Pipe(io.BytesIO):
        def close(self):
            self.seen = self.getvalue()

    pipe = Pipe()
    streams.feed(pipe, b"pw\n", given)
    assert pipe.seen == b"pw\n" + sent


@pytest.mark.parametrize("error", [EOFError, SSHException("SSH session not active")])
def test_a_lost_connection_is_an_error_that_pyinfra_keeps_to_one_host(error):
    class Lost:
        def exec_command(self, raw, get_pty):
            raise error

        def get_transport(self):
            return SimpleNamespace(is_active=lambda: False)

    connector: Any = ClusterSSH.__new__(ClusterSSH)
    connector.client = Lost()
    with pytest.raises(OSError, match="connection to the host was lost"):
        connector._start("true", False)


MARKED = b"Welcome!\n\nno newline" + b"\n" + streams.MARK.encode() + b"\nanswer \xff\n\n@@@ openpai-deploy\nlast"


def test_what_a_login_shell_prints_before_a_command_is_not_the_commands():
    past = b"answer \xff\n\n@@@ openpai-deploy\nlast"
    assert b"".join(streams.PastMark(io.BytesIO(MARKED))) == streams.PastMark(io.BytesIO(MARKED)).read() == past
    assert next(streams.lines(streams.PastMark(io.BytesIO(MARKED)))) == "answer \ufffd\n"


def test_an_account_that_may_not_log_in_has_its_say():
    said = b"This account is currently not available.\n"
    assert streams.PastMark(io.BytesIO(said)).read() == b"".join(streams.PastMark(io.BytesIO(said))) == said


def test_a_command_over_ssh_prints_the_mark_first():
    class Client:
        def exec_command(self, raw, get_pty):
            greeting = f"printf hello; {raw}"
            said = subprocess.run(["sh", "-c", greeting], capture_output=True, check=True).stdout
            channel = SimpleNamespace(makefile=lambda _: io.BytesIO(said), makefile_stderr=lambda _: io.BytesIO())
            return None, SimpleNamespace(channel=channel), None

    connector: Any = ClusterSSH.__new__(ClusterSSH)
    connector.client = Client()
    assert connector._start("printf 'a\\nb'", False).stdout.read() == b"a\nb"


def test_a_command_that_hangs_fails_its_host_alone(monkeypatch):
    """pyinfra keeps an OSError to the one host; without an end the host would hold all others at the next barrier."""
    config = SimpleNamespace(command_timeout=1, quick_connection=False)
    monkeypatch.setattr(host_shell, "cluster_of", lambda host: SimpleNamespace(config=config, folder=None))
    monkeypatch.setattr(host_shell, "given_up", lambda *_: False)
    connector: Any = ClusterLocal.__new__(ClusterLocal)
    connector.state, connector.host = None, SimpleNamespace(name="dev-box", print_prefix="")
    monkeypatch.setattr(connector, "_compose", lambda command, _: (command, command, b"", command), raising=False)
    for run in (connector.run_shell_command, lambda command: connector._run_raw(command, None, {})):
        with pytest.raises(OSError, match=r"not ended within 1 s.*command_timeout"):
            run("exec sleep 60")
    assert connector.run_shell_command("true")[0]


def test_a_big_file_is_read_once_for_all_hosts(tmp_path, monkeypatch):
    file = tmp_path / "NVIDIA.run"
    file.write_bytes(b"driver")
    read: list[Any] = []

    def begun(*data):
        read.append(data)
        return hashlib.sha256(*data)

    monkeypatch.setattr(streams, "hashlib", SimpleNamespace(sha256=begun))
    for _ in range(3):
        with streams.opened(str(file)) as (source, size, sha256):
            assert (source.read(), size, sha256) == (b"driver", 6, hashlib.sha256(b"driver").hexdigest())
    assert len(read) == 1
    os.utime(file, (1, 1))
    with streams.opened(str(file)):
        assert len(read) == 2
