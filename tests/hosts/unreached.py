"""Hosts that give no answer: one error each, and what else would be asked of them is not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import pytest

from tests.hosts.report import hide_secrets
from tests.hosts.targets import Target

NOT_ASKED = "not asked: "


class Unreached:
    """The hosts that answered nothing at all, each with the reason, and what has been said of them and of others."""

    def __init__(self, hosts: Mapping[str, str]):
        self._hosts = hosts
        self._said: set[tuple[str, str]] = set()

    @property
    def names(self) -> set[str]:
        """The hosts of which a test has said that it met no answer."""
        return {host for host, _ in self._said}

    def look(self, target: Target) -> None:
        """Keep the running test from asking a `target` that answers nothing."""
        if why := self._hosts.get(target.name):
            self.met(target, why)

    def met(self, target: Target, why: str) -> NoReturn:
        """Fail the running test where it is the first to meet `target` and this reason, else leave it out."""
        if (target.name, why) in self._said:
            # Said once as a failure, with the status 1; the host's other tests would repeat it.
            pytest.skip(f"{NOT_ASKED}{target.name} gives no answer")
        self._said.add((target.name, why))
        pytest.fail(hide_secrets(why, target.cluster), pytrace=False)
