"""A vendor's apt repository (key by fingerprint, source, packages at a version and held), and checked downloads.

pyinfra's apt.key never repairs a wrong key file, apt.packages neither picks a version by its beginning nor holds, and
apt.update refreshes the index on every run. Its files.download needs curl or wget on the target, and puts an unchecked
file in place before it checks it.
"""

import io
import re
from collections.abc import Callable, Iterable

from pyinfra import host, logger
from pyinfra.api import FileUploadCommand, StringCommand, operation
from pyinfra.facts.files import File, FileContents

from cluster import versions
from tasks.apt.facts import (
    SEEN,
    SUMS,
    AptOffers,
    AptPackages,
    AptSources,
    Binaries,
    KeyFingerprints,
    Package,
    Release,
)
from tasks.apt.sources import MARK, Entry, needed, takeover
from tasks.reach import Commands, detached, planning, quoted, script, show_diff, stop
from tasks.systemd import reread

# Never ask; keep configuration files as they are.
_GET = [
    *("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=60"),
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
]
# Seconds for which another program that holds a lock of apt or dpkg is waited for: unattended upgrades take minutes.
_LOCK_PATIENCE = 600
# The unit in which packages are installed and removed.
UNIT = "apt"
# Seconds for which a refresh of the package index is tried again: a mirror that is being renewed fails for a moment.
_PATIENCE = 30


def refresh(others: bool = False) -> StringCommand:
    """Refresh the package index of our own sources and the distribution's.

    Others' are left alone: one that is dead or slow would end or hold the run. Preflight tells of those. With `others`
    they are asked too, for a minute, but need not answer.
    """
    own = script("apt/refresh.sh", _PATIENCE, _LOCK_PATIENCE, *_places(_needed()), library="apt/locks.sh")
    every = "{ timeout 60 apt-get -q update >/dev/null 2>&1 || :; }"
    return StringCommand(own, "&&", every) if others else own


def _needed() -> list[Entry]:
    release = host.get_fact(Release)
    return needed(host.get_fact(AptSources), release.id, release.codename)


def _places(entries: Iterable[Entry]) -> list[str]:
    """The entries as programs take them: by twos, each file and its lines as ranges of sed."""
    ranges: dict[str, list[str]] = {}
    for entry in entries:
        ranges.setdefault(entry.file, []).append(f"{entry.first},{entry.last}")
    return [word for file, each in ranges.items() for word in (file, " ".join(each))]


def alone(*words: str) -> StringCommand:
    """The command `words` of apt's or dpkg's, when no other program is at work on packages or left any half done."""
    return script("apt/run.sh", _LOCK_PATIENCE, *words, library="apt/locks.sh")


def get(*words: str) -> StringCommand:
    """apt-get with `words` (options, `install`, packages), without a question."""
    return alone(*_GET, *words)


def in_unit(*words: str) -> Commands:
    """get() in a unit of its own, as a lost connection would leave it half done; one of an earlier run ends first.

    Packages' scripts have systemd read its units anew.
    """
    yield from reread()
    yield detached.wait(UNIT)
    yield detached.command(UNIT, get(*words))


def mark(how: str, names: Iterable[str]) -> StringCommand:
    """apt-mark `how` (hold, unhold) for the packages `names`."""
    return StringCommand(alone("apt-mark", how, *names), ">/dev/null")


def fetch(
    url: str, path: str, kind: str, expected: str, remedy: str, mode: str = "644", seen: str = ""
) -> StringCommand:
    """Put the file at `url` in `path`, if its `kind` is `expected`; else keep what is there and say the `remedy`.

    `kind` is sha256, fingerprint (of the one OpenPGP key in it), or nothing where nobody vouches for the file. In the
    folder `seen` the file is noted with its sum, for Binaries.
    """
    return script("apt/fetch.sh", url, path, mode, kind, expected, remedy, seen)


@operation()
def key(url: str, fingerprint: str, path: str, remedy: str = "check the URL and the fingerprint") -> Commands:
    """Put the OpenPGP key at `url` in `path` if, and only if, its one primary key has `fingerprint` (40 hex digits).

    Else what is there is kept, and the `remedy` said.
    """
    wanted = fingerprint.replace(" ", "").upper()
    if host.get_fact(KeyFingerprints, path=path) != [wanted]:
        yield fetch(url, path, "fingerprint", wanted, remedy)


@operation()
def source(path: str, uri: str, suite: str, components: str, signed_by: str) -> Commands:
    """Write the deb822 source file `path` for the host's own architecture, if apt accepts it beside the others.

    Entries of other files for the same repository with another key give way to it, and so does another's file of this
    name; they are kept beside.
    """
    lines = {"Types": "deb", "URIs": uri, "Suites": suite, "Components": components, "Signed-By": signed_by}
    text = MARK + "".join(f"{name}: {value}\n" for name, value in lines.items() if value)
    current = host.get_fact(FileContents, path=path)
    before = "\n".join(current) + "\n" if current else ""
    found = takeover(host.get_fact(AptSources), path, uri, suite, signed_by)
    if found.mixed:
        yield stop(*(_mixed(entry, uri, suite, signed_by) for entry in found.mixed), cause="apt-mixed-source")
        return
    rivals = [*found.whole, *found.lines]
    if before == text and not rivals:
        return
    for file in rivals if planning() else ():
        host.log(
            f"{file} names {uri} {suite} with another key than {signed_by}: that entry is disabled", logger.warning
        )
    show_diff(path, before, text)
    yield FileUploadCommand(io.StringIO(text), f"{path}.new")
    foreign = "keep" if before and not before.startswith(MARK) else ""
    pairs = [word for file in found.whole for word in (file, "all")]
    pairs += _places(entry for entries in found.lines.values() for entry in entries)
    yield script("apt/source.sh", "/etc/apt", f"{path}.new", path, foreign, *pairs)


def _mixed(entry: Entry, uri: str, suite: str, signed_by: str) -> str:
    return (
        f"{entry.file}:{entry.first} names {uri} {suite} with another key, in one entry with other repositories; "
        f"give it an entry of its own, or make its Signed-By {signed_by}"
    )


@operation()
def aside(paths: list[str]) -> Commands:
    """Move the package sources `paths` aside where they are: kept as PATH.openpai.disabled, which apt passes over."""
    for path in paths:
        if host.get_fact(File, path=path):
            yield quoted(["mv", "--backup=numbered", "-T", path, f"{path}.openpai.disabled"])


@operation()
def packages(
    names: list[str], version: str | None = None, acceptable: Callable[[str], bool] | None = None, hold: bool = True
) -> Commands:
    """Install `names` and hold them.

    `version` is the upstream version or its beginning (20.10, 20.10.24), taken for every package that offers it;
    `acceptable` judges versions where none is asked for: the newest acceptable one is installed, and an installed
    acceptable one is left as it is. The package index is refreshed only when something must be installed.
    """

    def fits(found: str) -> bool:
        if not found or not version:
            return bool(found) and (acceptable is None or acceptable(found))
        return versions.matches(found, version)

    state = host.get_fact(AptPackages, names=names)
    missing = [name for name in names if not fits(state.get(name, Package()).installed or "")]
    # Companions (containerd.io beside docker-ce) have versions of their own, which the one asked for does not name.
    companions = [name for name in missing if version and name != names[0] and state.get(name, Package()).installed]
    if names[0] in missing:
        # Before they are judged: a source that is new is not in the index yet, and none of its versions would fit.
        yield refresh()
    if companions:
        offers = host.get_fact(AptOffers, names=companions)
        content = {name for name in companions if not any(map(fits, offers.get(name, ())))}
        missing = [name for name in missing if name not in content]
    if missing:
        if names[0] not in missing:
            yield refresh()
        # What others' sources offered once may be gone with them.
        refreshed = sorted({uri for entry in _needed() for uri, _ in entry.repositories})
        offers = host.get_fact(AptOffers, names=missing, first=refreshed)
        chosen = []
        for name in missing:
            offered = offers.get(name, ())
            fitting = [one for one in offered if fits(one)] or ([] if name == names[0] else list(offered))
            if not fitting:
                yield stop(
                    f"{name}: no {'version ' + version if version else 'acceptable version'} on offer "
                    f"(offered: {', '.join(offered[:5]) or 'none'}); check the mirror and the configured version",
                    cause="apt-no-version",
                )
                return
            chosen.append(f"{name}={fitting[0]}")
        yield from in_unit("--allow-downgrades", "--allow-change-held-packages", "install", *chosen)
        # Naming a version lifts a hold.
        state = host.get_fact(AptPackages, names=names)
    if hold:
        unheld = [name for name in names if not state.get(name, Package()).held]
        if unheld:
            yield mark("hold", unheld)


@operation()
def downloaded(
    url: str, path: str, sha256: str, mode: str = "644", remedy: str = "check the URL and the sum"
) -> Commands:
    """Have at `path` the file whose sum is `sha256`, from `url`."""
    if host.get_fact(Binaries, paths=[path]).sha256.get(path) != sha256:
        yield fetch(url, path, "sha256", sha256, remedy, mode, SEEN)


@operation()
def program(
    path: str, url: Callable[[str], str], sha256: Callable[[str], str | None], version: str, remedy: str
) -> Commands:
    """Have at `path` the program of the host's architecture (`url` and `sha256` are asked with amd64 or arm64).

    Where `sha256` knows none, the .sha256 file beside the program is taken and recorded, so that a later run needs no
    network to see that nothing changed.
    """
    installed = host.get_fact(Binaries, paths=[path])
    name, source = path.rpartition("/")[2], url(installed.arch)
    record = f"{name}-{version}"
    expected = sha256(installed.arch) or _sum(installed.recorded.get(record, ""))
    if expected is None:
        yield fetch(f"{source}.sha256", f"{SUMS}/{record}", "nothing", "", remedy)
        expected = _sum(host.get_fact(Binaries, paths=[path]).recorded.get(record, ""))
    if expected is None:
        yield stop(f"no sum at {source}.sha256; {remedy}", cause="download-sum")
    elif installed.sha256.get(path) != expected:
        yield fetch(source, path, "sha256", expected, remedy, "755", SEEN)


def _sum(text: str) -> str | None:
    """The sum that a .sha256 file begins with."""
    found = re.match(r"[0-9a-f]{64}\b", text)
    return found[0] if found else None
