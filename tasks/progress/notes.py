"""What tasks tell of a host while they plan and run, for the run's screen, summary and exit status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cluster import Problem


@dataclass
class Notes:
    """Of one host."""

    stops: list[Problem | str] = field(default_factory=list)
    """Why the host stops: by the operation that runs, or by the first such one as planned."""
    operation: str = ""
    """The hash of the latter."""
    foreseen: dict[str, str] = field(default_factory=dict)
    """What a plan would do besides changing (REBOOT, DOCKER_RESTART), with the first operation that would."""
    forbidden: str = ""
    """Why a real run would end before it changes this host."""
    left_out: bool = False
    """The operator's word leaves the host out."""
    log: str = ""
    """Where, on the host, the log of the command that runs is."""
    begun: bool = False
    """Whether this run makes it a master before other hosts get their drivers."""
    clock_waits: list[str] | None = None
    """The time servers of a clock that must still be waited for; None: of none."""
    indexed: dict[Any, float] = field(default_factory=dict)
    """Package sources whose index this run has refreshed, and when, by time.monotonic()."""


REBOOT, DOCKER_RESTART = "reboot", "restart of Docker"


def notes(host: Any) -> Notes:
    """The notes of a pyinfra host, kept with it."""
    return host.connector_data.setdefault("notes", Notes())


def foresee(host: Any, what: str) -> None:
    """Note, while planning, that the present operation of `host` would do this."""
    notes(host).foreseen.setdefault(what, host.current_op_hash or "")


def would_stop(host: Any, *messages: Problem | str) -> None:
    """Note, while planning, that the present operation would stop `host`; what comes after it would not run."""
    ours = notes(host)
    if not ours.stops:
        ours.stops, ours.operation = list(messages), host.current_op_hash or ""
