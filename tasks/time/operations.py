"""Waiting for a synchronised clock; pyinfra has nothing for it."""

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from tasks.reach import Commands, until
from tasks.time.facts import SYNCHRONISED, TIMESYNCD, TimeSync

# Seconds: ntpd takes some 25 s to trust one server with iburst; a loaded network takes it longer.
PATIENCE = 180


@operation()
def synchronised(servers: list[str]) -> Commands:
    """Wait until the daemon says it is synchronised; fail the host, with what the daemon sees, if it never does."""
    if host.get_fact(TimeSync).synchronised:
        return
    asked = f"of {', '.join(servers)}" if servers else "of the distribution's servers"
    remedy = "name servers that this host reaches by UDP port 123 in ntp_servers of config.yaml"
    said = QuoteString(f"not synchronised after {PATIENCE} s with any {asked}; {remedy}; its peers:")
    yield until(
        "if systemctl is-active -q chrony.service; then chronyc -n -c tracking | grep -q ',Normal$'; "
        f"elif systemctl is-active -q {TIMESYNCD}.service; then test -e {SYNCHRONISED}; "
        "else ntpq -n -p 2>/dev/null | grep -q '^\\*'; fi",
        PATIENCE,
        StringCommand("echo", said, "; { chronyc -n sources || ntpq -n -p; } 2>/dev/null"),
        pause=2,
    )
