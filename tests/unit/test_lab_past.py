"""Pasts of lab hosts, as far as they need no host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import apt, past
from lab.settings import PROJECT
from lab.shell import LabError
from lab.state import LabHost, LabState


def test_a_past_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert past.parse("docker.io+container") == ("docker.io", "container")
    with pytest.raises(LabError, match=r"there is no past docker; there are auto-upgrades, .*vendor-sources"):
        past.parse("docker+container")


def test_ubuntu_by_name_stands_on_a_release_of_debian() -> None:
    assert past.suite("proxies+ubuntu-22.04") == "bookworm"
    assert past.suite("proxies") is None and past.suite(None) is None
    with pytest.raises(LabError, match="a host is one system"):
        past.suite("ubuntu-20.04+ubuntu-22.04")


def test_a_past_that_fails_says_why_and_what_to_do(tmp_path: Path) -> None:
    """Half of it may be there: a container of that name, say."""
    os_release = tmp_path / apt.OS_RELEASE
    os_release.parent.mkdir(parents=True)
    os_release.write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    host = LabHost("openpai-001", "worker", "10.77.0.21", "bookworm", str(tmp_path))

    def run(name: str, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(script, 1, "", f"{name}: the name lasting is in use\n")

    said = r"past \(container\): openpai-001: the name lasting is in use; .*python -m lab down --name old, then up"
    with pytest.raises(LabError, match=said):
        past.age(run, LabState("old", 0, "/folder", [host]), host, "container")


@pytest.mark.parametrize("name", past.NAMES)
def test_every_past_is_in_the_documentation(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "docs/lab.md").read_text()
