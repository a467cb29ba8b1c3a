"""Waiting for a synchronised clock; pyinfra has nothing for it."""

import time

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from tasks.progress import notes
from tasks.reach import Commands, until
from tasks.time.facts import SYNCHRONISED, TIMESYNCD, Now, TimeSync

# Seconds: ntpd takes some 25 s to trust one server with iburst; a loaded network takes it longer.
PATIENCE = 180
# Seconds that a clock may be off for what is installed meanwhile: apt takes no index that is dated later than that.
NEAR = 10


@operation()
def synchronised(servers: list[str], later: bool = False) -> Commands:
    """Wait until the daemon says it is synchronised; fail the host, with what the daemon sees, if it never does.

    With `later` a clock that is near this side's is left to awaited().
    """
    if host.get_fact(TimeSync).synchronised:
        return
    if later and abs(host.get_fact(Now) - time.time()) <= NEAR:
        notes(host).clock_waits = servers
        return
    yield _synchronised(servers)


@operation()
def awaited() -> Commands:
    """Wait now, where synchronised() left it for later."""
    servers = notes(host).clock_waits
    if servers is not None and not host.get_fact(TimeSync).synchronised:
        yield _synchronised(servers)


def _synchronised(servers: list[str]) -> StringCommand:
    asked = f"of {', '.join(servers)}" if servers else "of the distribution's servers"
    remedy = "name servers that this host reaches by UDP port 123 in ntp_servers of config.yaml"
    said = QuoteString(f"not synchronised after {PATIENCE} s with any {asked}; {remedy}; its peers:")
    return until(
        "if systemctl is-active -q chrony.service; then chronyc -n -c tracking | grep -q ',Normal$'; "
        f"elif systemctl is-active -q {TIMESYNCD}.service; then test -e {SYNCHRONISED}; "
        "else ntpq -n -p 2>/dev/null | grep -q '^\\*'; fi",
        PATIENCE,
        StringCommand("echo", said, "; { chronyc -n sources || ntpq -n -p; } 2>/dev/null"),
        pause=2,
    )
