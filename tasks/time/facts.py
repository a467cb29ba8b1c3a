"""Which time daemon a host has, and whether it is synchronised, from the daemon's own mouth.

timedatectl shows the kernel's flag, which a daemon that may not set it leaves at `no`; being installed or running says
nothing about being synchronised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.reach import SECTION, parse_sections


@dataclass(frozen=True)
class TimeDaemon:
    """A host's time daemon: its unit (empty: none), whether it is synchronised, its peer, and the offset in seconds."""

    unit: str = ""
    synchronised: bool = False
    peer: str = ""
    offset: float | None = None


class TimeSync(FactBase[TimeDaemon]):
    """The active time daemon and its state, in one command."""

    default = TimeDaemon

    def command(self) -> str:
        return "\n".join(
            (
                SECTION,
                "section chrony systemctl is-active chrony.service",
                "section ntpsec systemctl is-active ntpsec.service",
                "section ntp systemctl is-active ntp.service",
                "section tracking timeout 10 chronyc -n -c tracking",
                "section rv timeout 10 ntpq -n -c rv",
                "section peers timeout 10 ntpq -n -p",
            )
        )

    def process(self, output: list[str]) -> TimeDaemon:
        return parse_time(output)


def parse_time(output: list[str]) -> TimeDaemon:
    """chronyc's CSV (id, address, stratum, reference time, system offset, ...) or ntpq's variables and peers."""
    found = parse_sections(output)
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
