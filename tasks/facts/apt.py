"""What apt knows of a few packages: installed, held, and the versions it could install.

pyinfra's DebPackages lists installed packages only: neither holds nor candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.facts.sections import SECTION, parse_sections


@dataclass(frozen=True)
class Package:
    """One package: its installed version (None: not installed), whether it is held, and the versions on offer."""

    installed: str | None = None
    held: bool = False
    offered: tuple[str, ...] = ()


class AptPackages(FactBase[dict[str, Package]]):
    """The state of the named packages, in one command."""

    default = dict

    def command(self, names: list[str]) -> str:
        listed = " ".join(names)
        return (
            f"{SECTION}\n"
            f"section installed dpkg-query -W -f '${{Package}} ${{Version}} ${{db:Status-Status}}\\n' {listed}\n"
            f"section held apt-mark showhold {listed}\n"
            # Without its caches: looking must not write to the host.
            f"section offered apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= madison {listed}"
        )

    def process(self, output: list[str]) -> dict[str, Package]:
        return parse_packages(output)


def parse_packages(output: list[str]) -> dict[str, Package]:
    """Packages by name; `offered` is newest first, as apt lists them."""
    found = parse_sections(output)
    installed: dict[str, str] = {}
    for line in found.get("installed", "").splitlines():
        name, version, status = line.split(" ")
        if status == "installed":
            installed[name] = version
    held = set(found.get("held", "").split())
    offered: dict[str, list[str]] = {}
    for line in found.get("offered", "").splitlines():
        name, version, _source = (part.strip() for part in line.split("|"))
        versions = offered.setdefault(name, [])
        if version not in versions:
            versions.append(version)
    return {
        name: Package(installed.get(name), name in held, tuple(offered.get(name, ())))
        for name in installed.keys() | held | offered.keys()
    }


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
