"""One commit of a repository, by the program that checks it out, from a real repository and from a bundle."""

import subprocess

import pytest

from tasks.git.facts import Copy, WorkingCopy
from tasks.reach import FILES

PROGRAM = str(FILES / "git/check-out")


def git(folder, *words):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(["git", *identity, "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository of two commits on a branch; gives it with both."""
    made = tmp_path / "origin"
    made.mkdir()
    git(made, "init", "-q", "-b", "pai-1.8.y")
    commits = []
    for text in ("one", "two"):
        (made / "paictl.py").write_text(text)
        git(made, "add", ".")
        git(made, "commit", "-qm", text)
        commits.append(git(made, "rev-parse", "HEAD"))
    return made, commits


def check_out(*arguments):
    return subprocess.run(["sh", PROGRAM, *map(str, arguments)], check=False, capture_output=True, text=True)


def test_the_commit_is_there_whatever_was_before(tmp_path, repository):
    origin, (old, new) = repository
    target = tmp_path / "has space/pai"
    for commit, text in ((old, "one"), (new, "two"), (old, "one")):
        assert check_out(target, origin, commit).returncode == 0
        assert git(target, "rev-parse", "HEAD") == commit and (target / "paictl.py").read_text() == text
        (target / "paictl.py").write_text("changed by hand")  # the next commit takes its place


def test_a_bundle_takes_the_repositorys_place(tmp_path, repository):
    origin, (old, _) = repository
    bundle = tmp_path / "pai.bundle"
    git(origin, "bundle", "create", "-q", bundle, "pai-1.8.y")
    assert check_out(tmp_path / "pai", "https://nowhere.invalid/pai.git", old, bundle).returncode == 0
    assert git(tmp_path / "pai", "rev-parse", "HEAD") == old


def test_a_commit_that_is_not_there_fails(tmp_path, repository):
    origin, _ = repository
    assert check_out(tmp_path / "pai", origin, "0" * 40).returncode != 0


def test_the_copy_is_read():
    def answer(**texts):
        return [line for name, text in (texts | {"end": ""}).items() for line in ("", f"@@ {name}", *text.splitlines())]

    assert WorkingCopy().process(answer(commit="a" * 40, changed=" M paictl.py")) == Copy("a" * 40, True)
    assert WorkingCopy().process(answer(commit="", changed="")) == Copy()
