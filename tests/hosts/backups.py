"""The control plane's backups, as their files' names tell: TIME.age, by the master's clock."""

from __future__ import annotations

from datetime import datetime, timezone

from cluster.names import duration

OLDEST = 24 * 3600
"""Seconds; one is made every six hours."""
NEEDED = "a backup of the control plane that is a day old at most"


def newest(folder: str) -> str:
    """Shell text: the host's time in seconds since 1970, and the name of the newest backup in `folder`, if any."""
    return f"date -u +%s; ls -- {folder} 2>/dev/null | grep -E '^[0-9]{{8}}T[0-9]{{6}}Z\\.age$' | tail -n 1; true"


def wrong(said: str) -> str | None:
    """What is wrong with the backups of a host that answers `said` to newest(); None where nothing is."""
    now, *names = said.split()
    if not names:
        return "no backup"
    made = datetime.strptime(names[0], "%Y%m%dT%H%M%SZ.age").replace(tzinfo=timezone.utc)
    age = int(now) - made.timestamp()
    return f"the newest backup, {names[0]}, {duration(age)} old" if age > OLDEST else None
