"""The hosts' answers, one bundle of probes for a host and a test module, gathered from many hosts at once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import ModuleType

from tests.hosts.connections import Connections
from tests.hosts.probes import Answer
from tests.hosts.targets import Target

# Hosts asked at a time: each costs this machine an ssh process and a few MB for the second or so that it takes.
HOSTS_AT_A_TIME = 32


class Snapshots:
    """Answers by host and module. A module's function `probes(cluster, host)` says what to ask."""

    def __init__(self, connections: Connections):
        self._connections = connections
        self._pool = ThreadPoolExecutor(HOSTS_AT_A_TIME)
        self._futures: dict[tuple[str, ModuleType], Future[dict[str, Answer]]] = {}
        self._lock = Lock()

    def prefetch(self, wanted: Iterable[tuple[Target, ModuleType]]) -> None:
        """Start asking; the answers are waited for where they are used."""
        for target, module in wanted:
            self._future(target, module)

    def get(self, target: Target, module: ModuleType) -> dict[str, Answer]:
        """The answers of `target` to the probes of `module`, asked once; raises connections.Unreachable."""
        return self._future(target, module).result()

    def close(self) -> None:
        """Drop what has not been asked yet and wait for what has."""
        self._pool.shutdown(cancel_futures=True)

    def _future(self, target: Target, module: ModuleType) -> Future[dict[str, Answer]]:
        with self._lock:
            key = (target.name, module)
            if key not in self._futures:
                questions = list(module.probes(target.cluster, target.host))
                self._futures[key] = self._pool.submit(self._connections.ask, target, questions)
            return self._futures[key]
