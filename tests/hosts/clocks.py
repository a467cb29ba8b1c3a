"""A host's clock, by whichever time daemon runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.hosts.probes import Answer

UNITS = ("chrony", "ntpsec", "ntp", "systemd-timesyncd")


@dataclass(frozen=True)
class Clock:
    """A host's time daemon: its unit, the server that it follows (empty: none), and how far off it is, in seconds."""

    unit: str
    server: str = ""
    offset: float | None = None


def by_chrony(said: str) -> Clock:
    """The clock in `chronyc -c tracking`: ID, server, stratum, time, offset, ..., and last whether all is well."""
    fields = said.split(",")
    return Clock("chrony", fields[1], abs(float(fields[4]))) if fields[-1] == "Normal" else Clock("chrony")


def by_ntp(unit: str, said: str) -> Clock:
    """The clock in ntpq's variables (the offset in ms; leap 11 is no synchronisation) and peers (`*`: followed)."""
    followed = re.search(r"^\*(\S+)", said, re.MULTILINE)
    offset = re.search(r"\boffset=([-+.\d]+)", said)
    server = followed[1] if followed and "leap=11" not in said else ""
    return Clock(unit, server, abs(float(offset[1])) / 1000 if offset else None)


# Of the units that systemd prints, in seconds.
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}


def by_timesyncd(said: str) -> Clock:
    """The clock in `timedatectl timesync-status`: the server's address and name, and an offset such as +1min 2.5s."""
    server = re.search(r"^ *Server: (\S+)", said, re.MULTILINE)
    offset = re.search(r"^ *Offset: (.+)$", said, re.MULTILINE)
    if not (server and offset):
        return Clock("systemd-timesyncd")
    parts = re.findall(r"([\d.]+)(us|ms|min|s)\b", offset[1])
    return Clock("systemd-timesyncd", server[1], sum(float(value) * _UNITS[unit] for value, unit in parts))


def reading(answers: dict[str, Answer]) -> Clock | None:
    """The clock by the probes of test_time.py; None where no daemon runs."""
    states = zip(UNITS, answers["running"].out.splitlines(), strict=False)
    # ntpsec answers to the name ntp too, where ntp is only its alias.
    unit = next((unit for unit, state in states if state == "active"), "")
    if not unit:
        return None
    if unit == "chrony":
        return by_chrony(answers["chronyc"].out)
    if unit == "systemd-timesyncd":
        return by_timesyncd(answers["timesyncd"].out)
    return by_ntp(unit, answers["ntpq"].out)
