"""What tasks tell of a host while they plan and run, for the run's screen, summary and exit status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cluster import Problem


@dataclass
class Notes:
    """Of one host."""

    stops: list[Problem | str] = field(default_factory=list)
    """Why the host stops: by the operation that runs, or by the last such one as planned."""
    operation: str = ""
    """The hash of that operation."""
    foreseen: set[str] = field(default_factory=set)
    """What a plan would do besides changing: REBOOT, DOCKER_RESTART."""
    forbidden: str = ""
    """Why a real run would end before it changes this host."""
    left_out: bool = False
    """The operator's word leaves the host out."""
    log: str = ""
    """Where, on the host, the log of the command that runs is."""


REBOOT, DOCKER_RESTART = "reboot", "restart of Docker"


def notes(host: Any) -> Notes:
    """The notes of a pyinfra host, kept with it."""
    return host.connector_data.setdefault("notes", Notes())
