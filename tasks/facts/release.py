"""Which release a host runs.

pyinfra's LinuxDistribution gives an empty dictionary for a host that stops answering, which would end every host's run.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api import FactBase


@dataclass(frozen=True)
class OsRelease:
    """os-release's ID (debian, ubuntu), VERSION_ID as a number (testing: 0) and VERSION_CODENAME."""

    id: str = ""
    version: float = 0.0
    codename: str = ""


class Release(FactBase[OsRelease]):
    """The host's os-release."""

    default = OsRelease

    def command(self) -> str:
        return "cat /etc/os-release /usr/lib/os-release 2>/dev/null || :"

    def process(self, output: list[str]) -> OsRelease:
        return parse_release(output)


def parse_release(lines: list[str]) -> OsRelease:
    """The first value of each key; values are quoted as in a shell."""
    values: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals:
            values.setdefault(key, "".join(shlex.split(value)[:1]))
    number = values.get("VERSION_ID", "")
    return OsRelease(
        id=values.get("ID", ""),
        version=float(number) if number.replace(".", "", 1).isdigit() else 0.0,
        codename=values.get("VERSION_CODENAME", ""),
    )
