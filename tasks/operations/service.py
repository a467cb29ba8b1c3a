"""A service that runs with its present files.

pyinfra's systemd.service restarts when told that a file changed in this run; a run killed in between never tells the
next one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.facts.service import ServiceState


@operation()
def fresh(unit: str, files: list[str]) -> Generator[Any]:
    """Enable and start `unit`; restart it if one of `files` changed after it started."""
    service = host.get_fact(ServiceState, unit=unit, files=files)
    if service.outdated:
        yield StringCommand("systemctl daemon-reload")
    if not service.enabled:
        yield StringCommand(f"systemctl enable {unit}")
    if not service.active or service.stale:
        yield StringCommand(f"systemctl restart {unit}")
