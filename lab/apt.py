"""The machine's own apt sources, translated to the suites of the hosts, and downloads from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from lab.settings import CACHE
from lab.shell import LabError, run
from lab.state import lock

APT = Path("/etc/apt")
OS_RELEASE = "usr/lib/os-release"
KEYRINGS = {
    "debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
}
# What a machine says about the age of a frozen or private mirror holds for the hosts as well.
MIRROR_OPTIONS = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")


@dataclass(frozen=True)
class Source:
    """One entry of apt's sources."""

    uris: str
    suites: str
    components: str
    signed_by: str | None

    def text(self) -> str:
        """The entry in apt's deb822 format."""
        lines = ["Types: deb", f"URIs: {self.uris}", f"Suites: {self.suites}", f"Components: {self.components}"]
        return "\n".join([*lines, f"Signed-By: {self.signed_by}"] if self.signed_by else lines) + "\n"


@dataclass(frozen=True)
class System:
    """What os-release says: debian or ubuntu, the release's codename, and its number, which no release to come has."""

    id: str = ""
    codename: str = ""
    version: str = ""


def system(root: Path = Path("/")) -> System:
    """What the system in `root` is, this machine's by default."""
    lines = (root / OS_RELEASE).read_text().splitlines()
    fields = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    return System(*(fields.get(name, "") for name in ("ID", "VERSION_CODENAME", "VERSION_ID")))


def architecture() -> str:
    """The machine's architecture in Debian's words, which are Go's and the release site's too for amd64 and arm64."""
    return run("dpkg", "--print-architecture").stdout.strip()


def distribution() -> str:
    """debian or ubuntu: what the machine is, and so its hosts."""
    name = system().id
    if name not in KEYRINGS:
        raise LabError(f"the lab takes its hosts from the apt sources of Debian or Ubuntu; this machine is {name!r}")
    return name


def sources(suite: str) -> list[Source]:
    """The machine's archive, updates and security sources, with its own suite replaced by `suite`."""
    own = system().codename
    keyring = KEYRINGS[distribution()]
    found = []
    for source in _machine_sources():
        suites = [re.sub(rf"^{own}(?=$|[-/])", suite, word) for word in source.suites.split() if _is(own, word)]
        components = source.components
        if suite == "bullseye":
            components = components.replace("non-free-firmware", "").strip()
        if suites and components:
            found.append(Source(source.uris, " ".join(suites), components, source.signed_by or keyring))
    if not found:
        raise LabError(f"the apt sources of this machine offer no {own}, so none for {suite} hosts can be derived")
    return found


def options() -> str:
    """The machine's apt options about its mirror, as lines of an apt.conf."""
    dump = run("apt-config", "dump").stdout.splitlines()
    return "".join(f"{line}\n" for line in dump if line.split(" ")[0] in MIRROR_OPTIONS)


def download(suite: str, packages: list[str], into: Path) -> dict[str, Path]:
    """Download packages (not what they depend on) of a suite; returns the .deb of each by package name."""
    root = CACHE / "apt" / suite
    settings = {
        "Dir::State::lists": root / "lists",
        "Dir::State::status": root / "status",
        "Dir::Cache::archives": root / "archives",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "sources.d",
        "APT::Sandbox::User": "root",
        "APT::Update::Post-Invoke-Success": "",
    }
    apt = ["apt-get", "--quiet", *(f"--option={key}={value}" for key, value in settings.items())]
    into.mkdir(parents=True, exist_ok=True)
    with lock(f"apt-{suite}"):
        for part in ("lists/partial", "archives/partial", "sources.d"):
            (root / part).mkdir(parents=True, exist_ok=True)
        (root / "status").touch()
        (root / "sources.d/lab.sources").write_text("\n".join(source.text() for source in sources(suite)))
        run(*apt, "--error-on=any", "update")
        run(*apt, "download", *packages, cwd=into)
    found = {path.name.split("_")[0]: path for path in into.glob("*.deb")}
    return {package: found[package] for package in packages}


def _is(own: str, suite: str) -> bool:
    return suite == own or suite.startswith((f"{own}-", f"{own}/"))


def _machine_sources() -> list[Source]:
    found = []
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.is_file() else []:
            match = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line.strip())
            if match:
                signed = re.search(r"signed-by=(\S+)", match[1] or "")
                found.append(Source(match[2], match[3], match[4].strip(), signed[1] if signed else None))
    for path in sorted((APT / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            source = _stanza(stanza)
            if source:
                found.append(source)
    return found


def _stanza(text: str) -> Source | None:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith(("#", " ", "\t")):
            fields[key.strip().lower()] = value.strip()
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
        return None
    source = Source(fields.get("uris", ""), fields.get("suites", ""), fields.get("components", ""), None)
    signed = fields.get("signed-by", "")
    return replace(source, signed_by=signed) if signed.startswith("/") else source
