"""Time: a daemon installed, pointed at the configured servers, and synchronised (guide: `apt install ntp`)."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, deploy, operation
from pyinfra.operations import files

from tasks.context import config_of
from tasks.facts.apt import AptPackages, Package
from tasks.facts.release import Release
from tasks.facts.time import TimeSync
from tasks.operations import apt_source, service
from tasks.rendering import render

# Package (its unit has the same name) and configuration file. A host that has one of these keeps it; where ntp and
# ntpsec are both installed, ntp is the transitional package.
DAEMONS = {
    "chrony": "/etc/chrony/chrony.conf",
    "ntpsec": "/etc/ntpsec/ntp.conf",
    "ntp": "/etc/ntp.conf",
}
# Seconds: ntpd takes some 25 s to trust one server with iburst; a loaded network takes it longer.
PATIENCE = 180


@deploy("Time")
def synchronise() -> None:
    """A time daemon that is synchronised, to ntp_servers where the config names some."""
    servers = config_of(host).ntp_servers
    daemon = _daemon()
    conf = DAEMONS[daemon]
    apt_source.packages(name="A time daemon", names=[daemon], hold=False)
    if servers:
        template = "time/chrony.conf.j2" if daemon == "chrony" else "time/ntp.conf.j2"
        text = render(template, servers=servers, ntpsec=daemon == "ntpsec")
        files.put(name="Time servers from the config", src=io.StringIO(text), dest=conf, mode="644")
    service.fresh(name="The time daemon runs with its configuration", unit=f"{daemon}.service", files=[conf])
    synchronised(name="The clock is synchronised", servers=servers)


def _daemon() -> str:
    """The installed daemon, else the one of the release: ntp became ntpsec with Debian 12 and Ubuntu 23.04."""
    packages = host.get_fact(AptPackages, names=list(DAEMONS))
    installed = next((name for name in DAEMONS if packages.get(name, Package()).installed), None)
    if installed:
        return installed
    release = host.get_fact(Release)
    return "ntp" if release.version < {"debian": 12.0, "ubuntu": 23.04}.get(release.id, 0.0) else "ntpsec"


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
