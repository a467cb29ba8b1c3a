"""What apt has fetched, kept between labs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lab import fetched
from lab.state import LabHost, LabState

ARCHIVES = "upper/var/cache/apt/archives"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabState:
    """A lab of two suites whose hosts have nothing yet."""
    monkeypatch.setattr("lab.state.STATE", tmp_path / "labs")
    monkeypatch.setattr(fetched, "CACHE", tmp_path / "cache")
    hosts = [LabHost(f"openpai-{suite}", "worker", "", suite, "") for suite in ("bookworm", "trixie")]
    made = LabState("old", 0, "folder", hosts)
    for host in hosts:
        (made.host_directory(host.name) / "upper").mkdir(parents=True)
    return made


def archives(lab: LabState, number: int) -> Path:
    return lab.host_directory(lab.hosts[number].name) / ARCHIVES


def found(lab: LabState, number: int, name: str, content: str = "package") -> None:
    archives(lab, number).mkdir(parents=True, exist_ok=True)
    (archives(lab, number) / name).write_text(content)


def test_what_a_host_has_fetched_a_later_one_of_its_suite_finds(lab: LabState) -> None:
    found(lab, 0, "git_1_amd64.deb")
    found(lab, 0, "lock")
    fetched.keep(lab)
    (archives(lab, 0) / "git_1_amd64.deb").unlink()
    mask = os.umask(0o077)
    try:
        for host in lab.hosts:
            fetched.give(lab, host)
    finally:
        os.umask(mask)
    assert (archives(lab, 0) / "git_1_amd64.deb").read_text() == "package"
    assert sorted(path.name for path in archives(lab, 1).iterdir()) == []
    assert archives(lab, 1).stat().st_mode & 0o777 == archives(lab, 1).parents[2].stat().st_mode & 0o777 == 0o755


def test_another_file_of_the_same_name_takes_the_place_of_the_one_that_was_kept(lab: LabState) -> None:
    for content in ("package", "another package"):
        found(lab, 0, "docker-ce_1_amd64.deb", content)
        fetched.keep(lab)
    fetched.give(lab, lab.hosts[0])
    assert (archives(lab, 0) / "docker-ce_1_amd64.deb").read_text() == "another package"


def test_what_nobody_asked_for_in_a_month_goes(lab: LabState) -> None:
    for name in ("gone_1_amd64.deb", "here_1_amd64.deb"):
        found(lab, 0, name)
    fetched.keep(lab)
    kept = fetched.CACHE / "fetched-bookworm/archives"
    for package in kept.iterdir():
        os.utime(package, (time.time() - fetched.KEEP_SECONDS - 60,) * 2)
    (archives(lab, 0) / "gone_1_amd64.deb").unlink()
    fetched.keep(lab)
    assert [package.name for package in kept.iterdir()] == ["here_1_amd64.deb"]


def test_indexes_are_kept_but_for_those_of_the_labs_own_sources(lab: LabState) -> None:
    lists = lab.host_directory(lab.hosts[0].name) / "upper/var/lib/apt/lists"
    (lists / "partial").mkdir(parents=True)
    for name in (
        "mirror.example_dists_bookworm_InRelease",
        f"{lab.gateway}:8080_docker_dists_x_InRelease",
        "lock",
    ):
        (lists / name).touch()
    fetched.keep(lab)
    kept = fetched.CACHE / "fetched-bookworm/lists"
    assert [path.name for path in kept.iterdir()] == ["mirror.example_dists_bookworm_InRelease"]
