"""Which time daemon a host has, and whether it is synchronised, from the daemon's own mouth.

timedatectl shows the kernel's flag, which a daemon that may not set it leaves at `no`; being installed or running says
nothing about being synchronised.
"""

import re
from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes


@dataclass(frozen=True)
class TimeDaemon:
    """A host's time daemon: its unit (empty: none), whether it is synchronised, its peer, and the offset in seconds."""

    unit: str = ""
    synchronised: bool = False
    peer: str = ""
    offset: float | None = None


class TimeSync(Fact[TimeDaemon]):
    """The active time daemon and its state, in one command."""

    default = TimeDaemon

    def command(self) -> StringCommand:
        return probes(
            **{name: ["systemctl", "is-active", f"{name}.service"] for name in ("chrony", "ntpsec", "ntp")},
            tracking=["timeout", 10, "chronyc", "-n", "-c", "tracking"],
            rv=["timeout", 10, "ntpq", "-n", "-c", "rv"],
            peers=["timeout", 10, "ntpq", "-n", "-p"],
        )

    def read(self, found: dict[str, str]) -> TimeDaemon:
        """chronyc's CSV (id, address, stratum, reference time, system offset, ...) or ntpq's variables and peers."""
        if found.get("chrony") == "active":
            fields = found.get("tracking", "").split(",")
            if len(fields) < 14:
                return TimeDaemon("chrony")
            return TimeDaemon("chrony", fields[13] == "Normal" and fields[1] != "", fields[1], abs(float(fields[4])))
        # ntpsec answers to the name ntp.service too, on releases where ntp is only its alias.
        unit = next((name for name in ("ntpsec", "ntp") if found.get(name) == "active"), "")
        variables = dict(re.findall(r"(\w+)=([^,\s]+)", found.get("rv", "")))
        peer = next((line[1:].split()[0] for line in found.get("peers", "").splitlines() if line.startswith("*")), "")
        synchronised = bool(peer) and variables.get("leap") != "11" and variables.get("stratum", "16") != "16"
        offset = abs(float(variables["offset"])) / 1000 if "offset" in variables else None
        return TimeDaemon(unit, synchronised, peer, offset)
