"""What takes its time on a cluster: begun before the first test, while hosts are asked their questions.

A test module names it in `AHEAD`, by the fixture that gives what came of it to tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.hosts.connections import Connections
from tests.hosts.targets import Target

Made = Callable[[ExitStack, Connections, tuple[Target, ...]], Any]


class Ahead:
    """What is made for the run and removed after it; tests get it by name, or the exception that it ended with."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._begun: dict[str, Future[Any]] = {}

    def begin(self, tests: Iterable[pytest.Function], connections: Connections, targets: tuple[Target, ...]) -> None:
        """Begin what `tests` will ask for, one after another: two of them may want the same GPU."""
        pool = ThreadPoolExecutor(max_workers=1)
        for test in tests:
            for name, make in getattr(test.module, "AHEAD", {}).items():
                if name in test.fixturenames and name not in self._begun:
                    self._begun[name] = pool.submit(make, self._stack, connections, targets)
        pool.shutdown(wait=False)

    def wait(self) -> None:
        """Wait until all of it is there, or is known to have failed; see Snapshots.prefetch for why."""
        wait(self._begun.values())

    def get(self, name: str) -> Any:
        """What was made."""
        return self._begun[name].result()

    def close(self) -> None:
        """Remove what was made; a cluster that does not answer any more keeps it."""
        self.wait()
        with suppress(pytest.fail.Exception):
            self._stack.close()
