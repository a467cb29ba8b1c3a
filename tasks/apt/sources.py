"""What a host's package sources say, in both of apt's formats, and which entries apt would not have beside ours.

For one URI and suite apt takes one Signed-By: where a vendor's own documentation was followed before, with another
keyring, it refuses every source there is ("Conflicting values set for option Signed-By").
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

# The first line of every package source of ours.
MARK = "# Written by openpai-deploy\n"

_LINE = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)")
_OFF = ("no", "false", "without", "off", "disable", "0")


@dataclass(frozen=True)
class Entry:
    """One active entry: its file, its first and last line, what it offers and by which key.

    `ours` where this deploy wrote it; `origins` are the names that its repositories give themselves (debian), by
    the indexes that apt fetched before.
    """

    file: str
    first: int
    last: int
    repositories: frozenset[tuple[str, str]]
    signed_by: str = ""
    trusted: bool = False
    ours: bool = False
    origins: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sources:
    """A host's architecture as Debian calls it, and the active entries of its package sources."""

    arch: str = "amd64"
    entries: tuple[Entry, ...] = ()


@dataclass
class Takeover:
    """Entries that give way to ours: whole files, some lines of others, and those that name more than ours."""

    whole: list[str] = field(default_factory=list)
    lines: dict[str, list[Entry]] = field(default_factory=dict)
    mixed: list[Entry] = field(default_factory=list)


def repository(uri: str, suite: str, arch: str) -> tuple[str, str]:
    """A repository as apt tells it from others: with $(ARCH) filled in, without a login, without a slash at the end.

    >>> repository("https://me:secret@apt.example.com/$(ARCH)/", "/", "amd64")
    ('https://apt.example.com/amd64', '/')
    """
    filled = (text.replace("$(ARCH)", arch) for text in (re.sub(r"//[^/@]*@", "//", uri).rstrip("/"), suite))
    return next(filled), next(filled)


def takeover(sources: Sources, path: str, uri: str, suite: str, signed_by: str) -> Takeover:
    """What must give way to an entry in the file `path` for this repository and key."""
    ours, found = repository(uri, suite, sources.arch), Takeover()
    for file in dict.fromkeys(entry.file for entry in sources.entries if entry.file != path):
        entries = [entry for entry in sources.entries if entry.file == file]
        rivals = [entry for entry in entries if ours in entry.repositories]
        rivals = [entry for entry in rivals if entry.trusted or entry.signed_by != signed_by]
        found.mixed += [entry for entry in rivals if entry.repositories != {ours}]
        if rivals == entries and file.startswith("/etc/apt/sources.list.d/"):
            found.whole.append(file)
        elif rivals:
            found.lines[file] = rivals
    return found


def needed(sources: Sources, distribution: str, codename: str) -> list[Entry]:
    """The entries that a deploy lives by, its own and the distribution's (`distribution`: debian, ubuntu); [] for all.

    The distribution's are those whose index says so. Where none of the release itself does (nothing was fetched yet, or
    a company's mirror has a name of its own), those of the release's suites in the files that installers write.
    """
    own = [entry for entry in sources.entries if entry.ours]
    others = [entry for entry in sources.entries if not entry.ours]
    named = [entry for entry in others if distribution in entry.origins]
    if any(suite == codename for entry in named for _, suite in entry.repositories):
        return own + named
    files = ("sources.list", f"sources.list.d/{distribution}.list", f"sources.list.d/{distribution}.sources")
    written = [one for one in others if one.file.removeprefix("/etc/apt/") in files and _of(one, codename)]
    return own + written if written else []


def _of(entry: Entry, codename: str) -> bool:
    return any(re.match(rf"{re.escape(codename)}(?![a-z])", suite) for _, suite in entry.repositories)


def parse_sources(numbered: Iterable[str], arch: str, origins: Iterable[str] = ()) -> Sources:
    """The active entries in lines of `FILE:NUMBER:TEXT`, as `grep -Hn ''` prints them.

    `origins` are lines of `FILE:Origin: NAME` from the folder of apt's indexes.
    """
    files: dict[str, list[str]] = {}
    for line in numbered:
        file, number, text = line.split(":", 2)
        lines = files.setdefault(file, [])
        if int(number) != len(lines) + 1:
            raise ValueError(f"{file}: line {number} comes after {len(lines)}")
        lines.append(text)
    entries: list[Entry] = []
    for file, lines in files.items():
        found = (_stanzas if file.endswith(".sources") else _lines)(file, lines, arch)
        entries += (replace(entry, ours=f"{lines[0]}\n" == MARK) for entry in found)
    names = dict(line.split(":Origin:", 1) for line in origins)
    return Sources(arch, tuple(replace(entry, origins=_origins(entry, names)) for entry in entries))


def _origins(entry: Entry, names: dict[str, str]) -> frozenset[str]:
    """What the entry's repositories call themselves, by apt's names of their indexes, in lower case."""
    files = (
        f"{re.sub('^[^/]*//', '', uri).replace('_', '%5f').replace('~', '%7e').replace('/', '_')}_dists_"
        f"{suite.replace('_', '%5f').replace('/', '_')}_"
        for uri, suite in entry.repositories
    )
    found = (names.get(f"{file}{kind}") for file in files for kind in ("InRelease", "Release"))
    return frozenset(name.strip().lower() for name in found if name)


def _lines(file: str, lines: list[str], arch: str) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        match = _LINE.match(line.strip())
        if match:
            options = dict(option.lower().split("=", 1) for option in (match["options"] or "").split() if "=" in option)
            key = re.search(r"(?i)signed-by=(\S+)", match["options"] or "")
            offered = frozenset({repository(match["uri"], match["suite"], arch)})
            yield Entry(file, number, number, offered, key[1] if key else "", "trusted" in options)


def _stanzas(file: str, lines: list[str], arch: str) -> Iterator[Entry]:
    fields: dict[str, str] = {}
    first, name = 0, ""
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            first = first or number
            if line[0] not in " \t":
                name, _, line = line.partition(":")
                name = name.strip().lower()
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}".strip()
        elif first:
            if fields.get("enabled", "yes").lower() not in _OFF:
                uris, suites = (fields.get(each, "").split() for each in ("uris", "suites"))
                offered = frozenset(repository(uri, suite, arch) for uri in uris for suite in suites)
                yield Entry(file, first, number - 1, offered, fields.get("signed-by", ""), "trusted" in fields)
            fields, first = {}, 0
