"""Commands that one process answers for many: each answer is what the command says by itself, to the byte."""

from __future__ import annotations

import io
import os
import socket
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyinfra.api import StringCommand
from pyinfra.connectors.util import make_unix_command
from pyinfra.facts.files import Directory, File, Link, Sha1File

from tasks.apt import AptPackages
from tasks.docker import Docker
from tasks.reach import together
from tasks.reach.answers import Answer, head, heard, question

FILES, SUMS, PACKAGES = together.KINDS


def composed(command: StringCommand) -> str:
    """A fact's command as the connectors run it and foresight notes it."""
    return make_unix_command(command).get_raw_value()


class Host:
    """This machine's sh, which notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, commands: list[str]) -> dict[str, Answer]:
        self.asked.append(commands)
        done = subprocess.run(["sh"], input=head() + question(commands), capture_output=True, check=True)
        return dict(heard(io.BytesIO(done.stdout), commands))


@pytest.fixture
def host():
    return Host()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with everything that a path can lead to."""
    made = tmp_path_factory.mktemp("files")
    (made / "file").write_text("some text\n")
    (made / "empty").touch()
    (made / "secret").write_text("x")
    (made / "secret").chmod(0o600)
    for name in ("odd name", "it's", 'q"uoted', "new\nline", "back\\slash", "$HOME", "grün", "-n", "*"):
        (made / name).write_text(name)
    for path in made.iterdir():
        os.utime(path, (2e9, 1e9))  # a time of access that is not renewed by reading
    (made / "folder").mkdir()
    (made / "link").symlink_to("file")
    (made / "to-folder").symlink_to("folder")
    (made / "dangling").symlink_to("nowhere")
    (made / "odd-link").symlink_to("odd -> name")
    os.mkfifo(made / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(made / "socket"))
    return made


NAMES = (
    "file", "empty", "secret", "odd name", "it's", 'q"uoted', "new\nline", "back\\slash", "$HOME", "grün", "-n", "*",
    "folder", "folder/", "link", "to-folder", "dangling", "odd-link", "socket", "missing", "missing/below",
    "file/below", "", "./file", "folder/../file",
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, unique=True), st.booleans())
def test_each_file_is_answered_as_by_itself(folder, names, sums):
    facts = [File().command, Directory().command, Link().command, *[Sha1File().command] * sums]
    commands = list(dict.fromkeys(composed(command(f"{folder}/{name}")) for name in names for command in facts))
    others = ["echo other", composed(File().command("~/x"))]
    assert together.answers(Host(), commands + others) == Host()(commands + others)


def test_a_pipe_has_its_file_told_and_is_summed_by_itself(folder, host):
    stat, also = (composed(File().command(f"{folder}/{name}")) for name in ("pipe", "file"))
    assert together.answers(host, [stat, also]) == Host()([stat, also])
    pipe, file, more = (composed(Sha1File().command(f"{folder}/{name}")) for name in ("pipe", "file", "empty"))
    answered = together.answers(lambda asked: {} if asked == [pipe] else host(asked), [pipe, file, more])
    assert answered == Host()([file, more]), "asked for by itself, as it is without the others"


def test_special_files_are_told(host):
    commands = [
        composed(fact.command(path)) for path in ("/dev/full", "/proc/self/exe", "/usr") for fact in (File(), Link())
    ]
    assert together.answers(host, commands) == Host()(commands)
    assert len(host.asked) == 1


def test_one_process_serves_all_that_are_plain(folder, host):
    files = [composed(File().command(f"{folder}/{name}")) for name in ("file", "folder", "missing", "dangling")]
    sums = [composed(Sha1File().command(f"{folder}/{name}")) for name in ("file", "link", "missing", "empty")]
    together.answers(host, [*files, "echo other", *sums])
    ((other, of_files, of_sums),) = host.asked
    assert other == "echo other"
    assert of_files.count("stat -c") == 1 and of_sums.count("sha1sum") == 1
    assert of_files.startswith("sh -c ") and of_sums.startswith("sh -c "), "as a fact's command does"


def test_where_nobody_answers_nobody_is_asked_again(folder):
    """As where no shell can be kept: each fact then asks by itself."""
    asked: list[list[str]] = []

    def ask(sent: list[str]) -> dict[str, Answer]:
        asked.append(sent)
        return {}

    commands = [composed(File().command(f"{folder}/{name}")) for name in ("file", "folder")]
    assert together.answers(ask, [*commands, "echo other"]) == {}
    assert len(asked) == 1


def test_a_lone_command_is_run_as_it_is(folder, host):
    together.answers(host, [composed(File().command(f"{folder}/file"))])
    assert host.asked == [[composed(File().command(f"{folder}/file"))]]
    assert together.answers(host, []) == {}


@pytest.mark.parametrize(
    "common",
    [
        Answer(1, b"yy\na\nb\n", b""),
        Answer(0, b"yy\na\n", b""),
        Answer(0, b"yy\na\nb\n", b"!"),
        Answer(0, b"", b""),
    ],
)
def test_an_answer_that_is_not_understood_is_asked_for_one_by_one(folder, host, common):
    commands = [composed(File().command(f"{folder}/{name}")) for name in ("file", "folder")]

    def ask(asked: list[str]) -> dict[str, Answer]:
        if any("for path" in command for command in asked):
            return dict.fromkeys(asked, common)
        return host(asked)

    assert together.answers(ask, commands) == Host()(commands)
    assert sorted(host.asked[0]) == sorted(commands)


def test_a_file_that_goes_between_the_test_and_the_look_is_asked_for_again(folder, host, tmp_path):
    gone, stays = (composed(File().command(str(path))) for path in (tmp_path / "gone", folder / "file"))
    (tmp_path / "gone").touch()

    def ask(asked: list[str]) -> dict[str, Answer]:
        return host([command.replace('echo "$state"', f'echo "$state"; rm -f {tmp_path}/gone') for command in asked])

    said = together.answers(ask, [gone, stays])
    assert said[gone].stdout == b"" and said[stays].stdout.startswith(b"user=")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["bash", "apt", "dpkg", "no-such", "base-files", "a+b", "g++"]), min_size=1),
        min_size=1,
    )
)
def test_packages_are_told_as_by_themselves(wanted):
    commands = list(dict.fromkeys(composed(AptPackages().command(names)) for names in wanted))
    host = Host()
    assert together.answers(host, commands) == Host()(commands)
    assert sum(command.count("dpkg-query") for asked in host.asked for command in asked) == 1


def test_packages_by_other_words_than_names_are_asked_for_by_themselves():
    for names in (["lib*"], ["libc6:amd64"], ["-W"], ["a b"], [""], ["a'b"]):
        assert PACKAGES.words_of(composed(AptPackages().command(names))) is None
    assert PACKAGES.words_of(composed(AptPackages().command(["bash", "g++"]))) == "bash g++"


def test_pyinfras_commands_are_recognised():
    """Should a version of pyinfra ask otherwise, every file would be asked for by itself and nobody would know."""
    for fact, kind in ((File, FILES), (Directory, FILES), (Link, FILES), (Sha1File, SUMS)):
        command = composed(fact().command("/etc/docker/daemon.json"))
        assert kind.words_of(command) == "/etc/docker/daemon.json"
        assert [each for each in together.KINDS if each.words_of(command)] == [kind]
        assert kind.words_of(f"{command} ") is kind.words_of(f"LC_ALL=C {command}") is None
    assert not [kind for kind in together.KINDS if kind.words_of(composed(Docker().command()))]
