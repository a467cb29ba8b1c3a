"""The hosts' answers, one bundle of probes for a host and a test module, gathered from many hosts at once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import ModuleType

from tests.hosts.connections import Connections, Unreachable
from tests.hosts.probes import Answer
from tests.hosts.targets import Target

# Bundles asked at a time: each costs this machine an ssh process and a few MB for the second or so that it takes.
BUNDLES_AT_A_TIME = 32


class Snapshots:
    """Answers by host and module. A module's function `probes(cluster, host)` says what to ask."""

    def __init__(self, connections: Connections):
        self._connections = connections
        self._pool = ThreadPoolExecutor(BUNDLES_AT_A_TIME)
        self._futures: dict[tuple[str, ModuleType], Future[dict[str, Answer]]] = {}

    def prefetch(self, wanted: Iterable[tuple[Target, ModuleType]]) -> None:
        """Ask, many hosts at a time, and return when all have answered or cannot.

        Waiting for the answers where they are used would be no quicker over all, and pytest changes its environment for
        each test: a process that another thread starts in that moment fails with `Bad address`.
        """
        wait([self._future(target, module) for target, module in wanted])

    def get(self, target: Target, module: ModuleType) -> dict[str, Answer]:
        """The answers of `target` to the probes of `module`, asked once; raises connections.Unreachable."""
        return self._future(target, module).result()

    def unreached(self) -> dict[str, str]:
        """The hosts that answered nothing of what they were asked so far, each with the reason."""
        reasons: dict[str, list[str | None]] = {}
        for (host, _), future in self._futures.items():
            error = future.exception()
            reasons.setdefault(host, []).append(str(error) if isinstance(error, Unreachable) else None)
        return {host: found[0] for host, found in reasons.items() if found[0] and all(found)}

    def heard(self) -> dict[str, dict[str, Answer]]:
        """All that was answered so far, by host and probe."""
        found: dict[str, dict[str, Answer]] = {}
        for (host, _), future in self._futures.items():
            if future.done() and not future.cancelled() and not future.exception():
                found.setdefault(host, {}).update(future.result())
        return found

    def close(self) -> None:
        """Drop what has not been asked yet and wait for what has."""
        self._pool.shutdown(cancel_futures=True)

    def _future(self, target: Target, module: ModuleType) -> Future[dict[str, Answer]]:
        key = (target.name, module)
        if key not in self._futures:
            questions = list(module.probes(target.cluster, target.host))
            self._futures[key] = self._pool.submit(self._connections.ask, target, questions)
        return self._futures[key]
