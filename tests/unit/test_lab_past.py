"""Pasts of lab hosts, as far as they need no host."""

from __future__ import annotations

import pytest

from lab import past
from lab.settings import PROJECT
from lab.shell import LabError


def test_a_past_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert past.parse("docker.io+container") == ("docker.io", "container")
    with pytest.raises(LabError, match=r"there is no past docker; there are auto-upgrades, .*vendor-sources"):
        past.parse("docker+container")


def test_ubuntu_by_name_stands_on_a_release_of_debian() -> None:
    assert past.suite("proxies+ubuntu-22.04") == "bookworm"
    assert past.suite("proxies") is None and past.suite(None) is None
    with pytest.raises(LabError, match="a host is one system"):
        past.suite("ubuntu-20.04+ubuntu-22.04")


@pytest.mark.parametrize("name", past.NAMES)
def test_every_past_is_in_the_documentation(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "docs/lab.md").read_text()
