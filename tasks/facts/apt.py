"""What dpkg and apt know of a few packages: installed, held, and the versions on offer.

pyinfra's DebPackages lists installed packages only: neither holds nor candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase


@dataclass(frozen=True)
class Package:
    """One package: its installed version (None: not installed), and whether it is held."""

    installed: str | None = None
    held: bool = False


class AptPackages(FactBase[dict[str, Package]]):
    """The named packages that dpkg knows; a fraction of a second, as apt itself is not asked."""

    default = dict

    def command(self, names: list[str]) -> str:
        shown = "${Package} ${db:Status-Want} ${db:Status-Status} ${Version}"
        return f"dpkg-query -W -f '{shown}\\n' {' '.join(names)} 2>/dev/null || :"

    def process(self, output: list[str]) -> dict[str, Package]:
        return parse_packages(output)


def parse_packages(output: list[str]) -> dict[str, Package]:
    """Packages by name; one that was removed but for its configuration is not installed."""
    found = {}
    for line in output:
        name, want, status, *version = line.split(" ")
        found[name] = Package(version[0] if status == "installed" else None, want == "hold")
    return found


class AptOffers(FactBase[dict[str, tuple[str, ...]]]):
    """The versions of the named packages that apt could install, newest first.

    apt builds its view in memory, which takes a second or two: on disk it would be a change to the host.
    """

    default = dict

    def command(self, names: list[str]) -> str:
        caches = "-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
        return f"apt-cache {caches} madison {' '.join(names)} 2>/dev/null || :"

    def process(self, output: list[str]) -> dict[str, tuple[str, ...]]:
        return parse_offers(output)


def parse_offers(output: list[str]) -> dict[str, tuple[str, ...]]:
    """Versions by package, each once."""
    offered: dict[str, dict[str, None]] = {}
    for line in output:
        name, version, _source = (part.strip() for part in line.split("|"))
        offered.setdefault(name, {})[version] = None
    return {name: tuple(versions) for name, versions in offered.items()}


class KeyFingerprints(FactBase[list[str]]):
    """Fingerprints of the primary keys in an OpenPGP key file, read by gpg on the host."""

    default = list

    def command(self, path: str) -> str:
        return f"test -s {path} && gpg --batch --show-keys --with-colons {path} 2>/dev/null || :"

    def process(self, output: list[str]) -> list[str]:
        return primary_fingerprints(output)


def primary_fingerprints(colons: list[str]) -> list[str]:
    """The `fpr` record that follows each `pub` record in gpg's --with-colons output."""
    found = []
    after_pub = False
    for line in colons:
        fields = line.split(":")
        if fields[0] == "pub":
            after_pub = True
        elif fields[0] == "fpr" and after_pub:
            found.append(fields[9])
            after_pub = False
    return found
