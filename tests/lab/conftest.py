"""Labs for the end-to-end tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from gevent import monkey

from lab import kubernetes
from lab.api import Lab
from lab.settings import PROJECT
from tests.lab.harness import new_lab


@pytest.fixture(scope="session", autouse=True)
def threads() -> None:
    """Real threads: those of gevent, which pyinfra's CLI puts in their place, stop at the first lock of a file."""
    if monkey.is_module_patched("threading"):
        pytest.exit("tests/plan, collected with tests/lab, replaced threads by gevent's; run: make lab-tests", 1)


@pytest.fixture(scope="session", autouse=True)
def kubernetes_beside(threads: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """The lab's Kubernetes, where the cache has none: built beside the tests that come before those that need it.

    Should it fail, those build it again, and say why."""
    needed = any(item.path.name.startswith("test_kubernetes") for item in request.session.items)
    if kubernetes.ready() or not needed:
        yield
        return
    argv = [sys.executable, "-m", "lab", "kubernetes", "build"]
    with subprocess.Popen(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as build:
        yield
        build.terminate()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of 1 dev box, 1 master and 2 workers for tests that leave its hosts as they found them."""
    with new_lab("tests", workers=2) as shared:
        yield shared
