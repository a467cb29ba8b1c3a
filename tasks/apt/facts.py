"""What dpkg and apt know of a few packages, which release a host runs, and downloaded programs by checksum.

pyinfra's DebPackages lists installed packages only: neither holds nor candidates. Its Sha256File knows one file and no
architecture; its LinuxDistribution gives an empty dictionary for a host that stops answering, which would end every
host's run.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from pyinfra.api import StringCommand

from tasks.apt.sources import Sources, parse_sources
from tasks.reach import Fact, Holds, probes, program, shell, together


@dataclass(frozen=True)
class Package:
    """One package: its installed version (None: not installed), and whether it is held."""

    installed: str | None = None
    held: bool = False


class AptPackages(Fact[dict[str, Package]]):
    """The named packages that dpkg knows; a fraction of a second, as apt itself is not asked."""

    default = dict

    def command(self, names: list[str]) -> StringCommand:
        shown = r"${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\n"
        return probes(packages=["dpkg-query", "-W", "-f", shown, "--", *names])

    def read(self, found: dict[str, str]) -> dict[str, Package]:
        """By name; one that was removed but for its configuration is not installed."""
        packages = {}
        for line in found["packages"].splitlines():
            name, want, status, *version = line.split(" ")
            packages[name] = Package(version[0] if status == "installed" else None, want == "hold")
        return packages


class _OfPackages(together.Together):
    """The same for all packages by one process: it takes longest to read dpkg's database, whatever it is asked."""

    def question(self, asked: list[str]) -> str:
        return self.command_of(" ".join(sorted({name for names in asked for name in names.split(" ")})))

    def answers(self, asked: list[str], said: together.Answer) -> Iterator[together.Answer | None]:
        """dpkg-query prints a line for each package that it knows, in an order of its own."""
        head, mark, rest = said.stdout.partition(b"@@ packages\n")
        lines, foot, _ = rest.partition(b"\n@@ end\n")
        if said.status or said.stderr or not foot:
            raise ValueError("cut off")
        for names in asked:
            known = [line for line in lines.splitlines(True) if line.split(b" ")[0].decode() in names.split(" ")]
            yield together.Answer(0, b"".join([head, mark, *known, foot]), b"")


_NAME = "[a-z0-9][a-z0-9.+-]*"
together.KINDS.append(_OfPackages(AptPackages().command([together.PLACE]), f"{_NAME}( {_NAME})*"))


class AptOffers(Fact[dict[str, tuple[str, ...]]]):
    """The versions of the named packages that apt could install, newest first.

    Those of the sources at the URIs `first` come before all others. apt builds its view in memory, which takes a second
    or two: on disk it would be a change to the host.
    """

    # Asked only where something is to be installed.
    holds = Holds.NOT
    default = dict

    def command(self, names: list[str], first: Iterable[str] = ()) -> StringCommand:
        caches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
        return probes(first=["printf", "%s\\n", *first], offers=["apt-cache", *caches, "madison", "--", *names])

    def read(self, found: dict[str, str]) -> dict[str, tuple[str, ...]]:
        """Versions by package, each once."""
        first, offered = found.get("first", "").splitlines(), dict[str, dict[str, None]]()
        rows = [[part.strip() for part in line.split("|")] for line in found["offers"].splitlines()]
        for name, version, _source in sorted(rows, key=lambda row: row[2].split(" ")[0].rstrip("/") not in first):
            offered.setdefault(name, {})[version] = None
        return {name: tuple(versions) for name, versions in offered.items()}


class AptRemovals(Fact[list[str]]):
    """The packages that apt would remove with those of `names` that are installed: themselves and their dependents."""

    holds = Holds.NOT
    default = list

    def command(self, names: list[str]) -> StringCommand:
        caches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
        return probes(removed=["apt-get", *caches, "-s", "remove", "--", *names])

    def read(self, found: dict[str, str]) -> list[str]:
        lines = map(str.split, found["removed"].splitlines())
        return [words[1].partition(":")[0] for words in lines if words[:1] == ["Remv"]]


# Every line with its file and number, but logins in URIs, which are nobody else's affair.
_LISTS = r"""
cd /etc/apt && grep -Hn '' sources.list sources.list.d/*.list sources.list.d/*.sources |
    sed -E 's|//[^/@ ]*@|//|g; s|^|/etc/apt/|'
"""


# apt keeps an index of what was fetched once, also where its source does not answer any more.
_ORIGINS = "cd /var/lib/apt/lists && grep -Hm1 '^Origin:' -- *Release"


class AptSources(Fact[Sources]):
    """The active entries of a host's package sources."""

    default = Sources

    def command(self) -> StringCommand:
        return probes(arch=["dpkg", "--print-architecture"], lists=shell(_LISTS), origins=shell(_ORIGINS))

    def read(self, found: dict[str, str]) -> Sources:
        return parse_sources(found["lists"].splitlines(), found["arch"] or "amd64", found["origins"].splitlines())


# --show-keys, which gpg has from 2.2.8 on; Ubuntu 18.04 comes with 2.2.4.
_SHOW = "gpg --batch --with-colons --no-keyring --import-options show-only --import"


class KeyFingerprints(Fact[list[str]]):
    """Fingerprints of the primary keys in an OpenPGP key file, read by gpg on the host."""

    default = list

    def command(self, path: str) -> StringCommand:
        return probes(keys=shell(f'test -s "$1" && {_SHOW} -- "$1"', path))

    def read(self, found: dict[str, str]) -> list[str]:
        """Of gpg's records the `fpr` that comes next after a `pub`; subkeys have theirs after a `sub`."""
        records = [line.split(":") for line in found["keys"].splitlines()]
        keys = [record for record in records if record[0] in ("pub", "fpr")]
        return [second[9] for first, second in pairwise(keys) if (first[0], second[0]) == ("pub", "fpr")]


# Sums that came with a download, for versions whose sum nobody else vouches for.
SUMS = "/var/lib/openpai-deploy/sha256"
# What was fetched as it was put in place, with its sum (files/apt/sums.sh).
SEEN = "/var/lib/openpai-deploy/seen"


@dataclass(frozen=True)
class Installed:
    """A host's architecture as Debian calls it, the sums of programs by path, and the recorded ones by name."""

    arch: str = "amd64"
    sha256: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)


class Binaries(Fact[Installed]):
    """The programs at `paths`, and every recorded sum."""

    default = Installed

    def command(self, paths: list[str]) -> StringCommand:
        return probes(
            arch=["dpkg", "--print-architecture"],
            sums=program("apt/sums.sh", SEEN, *paths),
            recorded=shell('cd "$1" && grep -H . -- *', SUMS),
        )

    def read(self, found: dict[str, str]) -> Installed:
        sums = (line.split(maxsplit=1) for line in found["sums"].splitlines())
        recorded = (line.split(":", 1) for line in found["recorded"].splitlines() if ":" in line)
        return Installed(found["arch"] or "amd64", {path: sum_ for sum_, path in sums}, dict(recorded))


@dataclass(frozen=True)
class OsRelease:
    """os-release's ID (debian, ubuntu), VERSION_ID (testing has none), VERSION_CODENAME and PRETTY_NAME."""

    id: str = ""
    version: str = ""
    codename: str = ""
    name: str = ""


class Release(Fact[OsRelease]):
    """The host's os-release."""

    default = OsRelease

    def command(self) -> StringCommand:
        return probes(release=["cat", "/etc/os-release", "/usr/lib/os-release"])

    def read(self, found: dict[str, str]) -> OsRelease:
        return parse_release(found["release"].splitlines())


def parse_release(lines: list[str]) -> OsRelease:
    """The first value of each key; values are quoted as in a shell."""
    values: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals:
            values.setdefault(key, "".join(shlex.split(value)[:1]))
    return OsRelease(*(values.get(key, "") for key in ("ID", "VERSION_ID", "VERSION_CODENAME", "PRETTY_NAME")))
