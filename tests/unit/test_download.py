"""Downloads are whole, checked, or not there: the commands themselves, run on this machine."""

import hashlib
import os
import shutil
import subprocess

import pytest

from tasks import apt
from tasks.reach import script

CONTENT = b"#!/bin/sh\necho new\n"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "source" / "tool"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    return file


def fetch(url, target, sha256=SUM, seen=""):
    command = apt.fetch(url, str(target), "sha256", sha256, "check the mirror", "755", str(seen)).get_raw_value()
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)


def sums(seen, *paths):
    """What is told of each of the files, beside the sum that a note has of it."""
    command = script("apt/sums.sh", str(seen), *map(str, paths)).get_raw_value()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return {path: sum_ for sum_, path in (line.split("  ", 1) for line in done.stdout.splitlines())}


def a_tick_after(target):
    """Wait until a change has another time than what `target` had last: the kernel's clock of files ticks slowly."""
    beside = target.with_name("clock")
    while not beside.exists() or beside.stat().st_ctime_ns <= target.stat().st_ctime_ns:
        beside.write_text("")


def test_a_file_with_the_right_sum_is_put_in_place_with_its_mode(source, tmp_path):
    target = tmp_path / "bin" / "tool"
    assert fetch(f"file://{source}", target).returncode == 0
    assert (target.read_bytes(), target.lstat().st_mode & 0o777) == (CONTENT, 0o755)
    assert not target.is_symlink()
    assert [file.name for file in target.parent.iterdir()] == ["tool"]


def test_a_file_with_another_sum_leaves_what_was_there(source, tmp_path):
    target = tmp_path / "tool"
    target.write_text("old")
    done = fetch(f"file://{source}", target, "f" * 64)
    assert done.returncode != 0
    assert "is not what was expected" in done.stderr
    assert "check the mirror" in done.stderr
    assert target.read_text() == "old"
    assert not (tmp_path / "tool.new").exists()


def test_a_file_that_is_not_there_is_named_with_the_remedy(source, tmp_path):
    done = fetch(f"file://{source}-missing", tmp_path / "tool")
    assert done.returncode != 0
    assert f"file://{source}-missing could not be fetched; check the mirror" in done.stderr
    assert not (tmp_path / "tool").exists()


def test_a_file_that_is_as_it_was_put_there_is_not_read_for_its_sum(source, tmp_path):
    seen, target = tmp_path / "seen", tmp_path / "bin" / "tool"
    assert fetch(f"file://{source}", target, seen=seen).returncode == 0
    note = (seen / "tool").read_text()
    assert note.endswith(f" {SUM}\n") and [file.name for file in seen.iterdir()] == ["tool"]
    (seen / "tool").write_text(note.replace(SUM, "a" * 64))
    assert sums(seen, target, tmp_path / "none") == {str(target): "a" * 64}


def replaced(target):
    shutil.copy2(target, f"{target}.new")
    os.replace(f"{target}.new", target)


@pytest.mark.parametrize(
    "change",
    [
        lambda target: target.write_bytes(CONTENT.replace(b"new", b"old")),
        replaced,
        lambda target: target.chmod(0o700),
    ],
    ids=["written", "replaced", "another mode"],
)
def test_a_file_that_something_was_done_to_is_read(source, tmp_path, change):
    seen, target = tmp_path / "seen", tmp_path / "bin" / "tool"
    fetch(f"file://{source}", target, seen=seen)
    (seen / "tool").write_text((seen / "tool").read_text().replace(SUM, "a" * 64))
    a_tick_after(target)
    change(target)
    assert sums(seen, target) == {str(target): hashlib.sha256(target.read_bytes()).hexdigest()}


@pytest.mark.parametrize("note", ["", "\n", "a b", None])
def test_a_note_that_says_nothing_is_no_note(source, tmp_path, note):
    if note is not None:
        (tmp_path / "tool").write_text(note)
    assert sums(tmp_path, source) == {str(source): SUM}
