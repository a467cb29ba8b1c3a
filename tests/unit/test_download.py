"""Downloads are whole, checked, or not there: the commands themselves, run on this machine."""

import hashlib
import subprocess

import pytest

from tasks import apt

CONTENT = b"#!/bin/sh\necho new\n"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "source" / "tool"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    return file


def fetch(url, target, sha256=SUM):
    command = apt.fetch(url, str(target), "sha256", sha256, "check the mirror", "755").get_raw_value()
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)


def test_a_file_with_the_right_sum_is_put_in_place_with_its_mode(source, tmp_path):
    target = tmp_path / "bin" / "tool"
    assert fetch(f"file://{source}", target).returncode == 0
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (CONTENT, 0o755)
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
