"""What is built once for all labs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import cache, state
from lab.files import share_tree
from lab.shell import LabError
from tests.lab.test_lab_parts import lab_state


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """An empty cache, and no labs."""
    for module in (cache, state):
        monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(state, "STATE", tmp_path / "labs")
    return tmp_path


def write(text: str) -> Callable[[Path], None]:
    """A build that writes a file."""

    def build(draft: Path) -> None:
        (draft / "file").write_text(text)

    return build


def test_the_cache_builds_once_and_again_for_other_sources(cached):
    first = cache.ensure("thing", "a", write("1"))
    assert cache.ensure("thing", "a", write("2")) == first
    assert (first / "file").read_text() == "1"
    other = cache.ensure("thing", "b", write("2"))
    assert (other / "file").read_text() == "2"
    assert first.is_dir(), "used a moment ago"


def test_the_cache_drops_what_is_old_and_unused(cached):
    old, used = cache.ensure("thing", "a", write("1")), cache.ensure("thing", "b", write("2"))
    for path in (old, used):
        os.utime(path, (0, 0))
    lab = lab_state("openpai-001")
    lab.hosts[0].base = str(used)
    lab.save()
    cache.ensure("thing", "c", write("3"))
    assert used.is_dir() and not old.exists()


def test_a_failed_build_is_not_used(cached):
    def fail(draft: Path) -> None:
        (draft / "file").write_text("half")
        raise LabError("broken")

    with pytest.raises(LabError):
        cache.ensure("thing", "a", fail)
    built = cache.ensure("thing", "a", write("whole"))
    assert (built / "file").read_text() == "whole"
    assert [path.name for path in cached.iterdir() if path.name != "locks"] == [built.name]


def test_what_is_offered_outlives_the_cache(cached):
    built = cache.ensure("thing", "a", write("1"))
    for _ in range(2):
        share_tree(built, cached / "www")
    (built / "file").unlink()
    assert (cached / "www/file").read_text() == "1"
