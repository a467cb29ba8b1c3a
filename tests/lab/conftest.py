"""Labs for the end-to-end tests, and the order of their files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from gevent import monkey

from lab.api import Lab
from tests.lab.harness import new_lab

LONGEST = (
    "test_openpai",
    "test_apt_past",
    "test_docker_past",
    "test_day2",
    "test_kubernetes",
    "test_host_faults",
    "test_lived_in",
)
"""The files that take minutes, the longest first: begun last, one of them would be waited for at the end. OpenPAI's
also builds the lab's Kubernetes where the cache has none, so that this goes on beside the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def threads() -> None:
    """Real threads: those of gevent, which pyinfra's CLI puts in their place, stop at the first lock of a file."""
    if monkey.is_module_patched("threading"):
        pytest.exit("tests/plan, collected with tests/lab, replaced threads by gevent's; run: make lab-tests", 1)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of 1 dev box, 1 master and 2 workers for tests that leave its hosts as they found them.

    Each of pytest-xdist's processes, which are numbered from gw0, has its own."""
    with new_lab("tests" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"), workers=2) as shared:
        yield shared
