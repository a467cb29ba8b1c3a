"""Which time daemon a host has, and whether it is synchronised, from the daemon's own mouth.

timedatectl shows the kernel's flag, which a daemon that may not set it leaves at `no`; being installed or running says
nothing about being synchronised.
"""

import re
from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, Holds, probe_script, probes

TIMESYNCD = "systemd-timesyncd"
# Made by timesyncd once it has set the clock by a server.
SYNCHRONISED = "/run/systemd/timesync/synchronized"


@dataclass(frozen=True)
class TimeDaemon:
    """A host's time daemon: its unit (empty: none), whether it is synchronised, its peer, and the offset in seconds.

    `servers` are those that systemd-timesyncd was given, by its configuration or by DHCP.
    """

    unit: str = ""
    synchronised: bool = False
    peer: str = ""
    offset: float | None = None
    servers: tuple[str, ...] = ()


class Now(Fact[int]):
    """Seconds since 1970 by the host's own clock."""

    holds = Holds.NOT
    default = int

    def command(self) -> StringCommand:
        return probes(now=["date", "+%s"])

    def read(self, found: dict[str, str]) -> int:
        return int(found["now"])


class TimeSync(Fact[TimeDaemon]):
    """The active time daemon and its state, in one command."""

    default = TimeDaemon

    def command(self) -> StringCommand:
        return probe_script("time/daemon.sh", SYNCHRONISED)

    def read(self, found: dict[str, str]) -> TimeDaemon:
        """chronyc's CSV (id, address, stratum, reference time, system offset, ...) or ntpq's variables and peers."""
        if found.get("chrony") == "active":
            fields = found.get("tracking", "").split(",")
            if len(fields) < 14:
                return TimeDaemon("chrony")
            return TimeDaemon("chrony", fields[13] == "Normal" and fields[1] != "", fields[1], abs(float(fields[4])))
        # ntpsec answers to the name ntp.service too, on releases where ntp is only its alias.
        unit = next((name for name in ("ntpsec", "ntp") if found.get(name) == "active"), "")
        if not unit and found.get("timesyncd") == "active":
            shown = dict(line.split("=", 1) for line in found["timesync"].splitlines() if "=" in line)
            servers = f"{shown.get('SystemNTPServers', '')} {shown.get('LinkNTPServers', '')}".split()
            peer = shown.get("ServerName", "")
            return TimeDaemon(TIMESYNCD, bool(found["timesync_done"] and peer), peer, servers=tuple(servers))
        said = found.get("ntpq", "")
        variables = dict(re.findall(r"(\w+)=([^,\s]+)", said))
        peer = next((line[1:].split()[0] for line in said.splitlines() if line.startswith("*")), "")
        synchronised = bool(peer) and variables.get("leap") != "11" and variables.get("stratum", "16") != "16"
        offset = abs(float(variables["offset"])) / 1000 if "offset" in variables else None
        return TimeDaemon(unit, synchronised, peer, offset)
