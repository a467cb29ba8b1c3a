"""Fixtures of more than one module."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fake_run import FakeRun, fake_run


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SSH agent, which `check` warns without where a config names no password and no key: whoever runs the tests may
    have one or not."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., FakeRun]]:
    """Makes fake clusters, whose reports go afterwards."""
    runs = []

    def make(**wanted: Any) -> FakeRun:
        runs.append(fake_run(tmp_path, **wanted))
        return runs[-1]

    yield make
    for run in runs:
        shutil.rmtree(run.reports, ignore_errors=True)
