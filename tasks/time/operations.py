"""Waiting for a synchronised clock; pyinfra has nothing for it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.time.facts import TimeSync

# Seconds: ntpd takes some 25 s to trust one server with iburst; a loaded network takes it longer.
PATIENCE = 180


@operation()
def synchronised(servers: list[str]) -> Generator[Any]:
    """Wait until the daemon says it is synchronised; fail the host, with what the daemon sees, if it never does."""
    if host.get_fact(TimeSync).synchronised:
        return
    expected = f" (configured: {', '.join(servers)})" if servers else ""
    yield StringCommand(
        f"i=0; while [ $i -lt {PATIENCE} ]; do "
        "if systemctl is-active -q chrony.service; then chronyc -n -c tracking | grep -q ',Normal$' && exit 0; "
        "else ntpq -n -p 2>/dev/null | grep -q '^\\*' && exit 0; fi; i=$((i+2)); sleep 2; done; "
        f"echo 'not synchronised after {PATIENCE} s{expected}; its peers:' >&2; "
        "{ chronyc -n sources || ntpq -n -p; } 2>/dev/null >&2; exit 1"
    )
