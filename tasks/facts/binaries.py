"""Installed programs by checksum; pyinfra's Sha256File knows one file and no architecture."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase

from tasks.facts.sections import SECTION, parse_sections

# Sums that came with a download, for versions whose sum nobody else vouches for.
SUMS = "/var/lib/openpai-deploy/sha256"


@dataclass(frozen=True)
class Installed:
    """A host's architecture as Debian calls it, the sums of programs by path, and the recorded ones by name."""

    arch: str = "amd64"
    sha256: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)


class Binaries(FactBase[Installed]):
    """The programs at `paths`, and every recorded sum."""

    default = Installed

    def command(self, paths: list[str]) -> str:
        return (
            f"{SECTION}\n"
            "section arch dpkg --print-architecture\n"
            f"section sums sha256sum {' '.join(paths)}\n"
            f"section recorded sh -c 'cd {SUMS} && grep -H . *'"
        )

    def process(self, output: list[str]) -> Installed:
        found = parse_sections(output)
        sums = (line.split(maxsplit=1) for line in found["sums"].splitlines())
        recorded = (line.split(":", 1) for line in found["recorded"].splitlines() if ":" in line)
        return Installed(found["arch"] or "amd64", {path: sum_ for sum_, path in sums}, dict(recorded))
