"""Hosts with a past: what machines that people have used for years bring along.

A profile is a folder here. Its disk.sh makes what lies on the disk, where nothing runs yet; what comes of that on a
release's base is kept in the cache. Its host.sh runs on the host itself, once after its first boot, and knows the lab.
Profiles go together: `docker.io+container` is Debian's Docker with a container that runs.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import cache, hosts, shell
from lab.settings import PROXY_PORT, USER, WEB_PORT
from lab.shell import LabError
from lab.state import LabHost, LabState

HERE = Path(__file__).parent
LIBRARY = HERE / "library.sh"
BUILD = HERE / "build.sh"
DISK, HOST = "disk.sh", "host.sh"

Run = Callable[[str, str], subprocess.CompletedProcess[str]]
"""Runs a script as root inside a host of that name: Lab.run."""


@dataclass(frozen=True)
class ByName:
    """A release of Ubuntu by name: the Debian release beneath, what /etc/os-release says, and the profiles in it."""

    suite: str
    version: str
    codename: str
    nick: str
    profiles: tuple[str, ...]


UBUNTU = {
    "ubuntu-20.04": ByName("bullseye", "20.04", "focal", "Focal Fossa", ("ubuntu", "resolved", "auto-upgrades")),
    "ubuntu-22.04": ByName(
        "bookworm", "22.04", "jammy", "Jammy Jellyfish", ("ubuntu", "resolved", "auto-upgrades", "needrestart")
    ),
    "ubuntu-24.04": ByName(
        "trixie", "24.04", "noble", "Noble Numbat", ("ubuntu", "resolved", "auto-upgrades", "needrestart", "ssh-socket")
    ),
}
"""Over the Debian release whose C library and systemd are the nearest; a stand-in, as docs/lab-proves.md says."""
NAMES = sorted({path.parent.name for path in HERE.glob("*/*.sh")} - {"ubuntu"} | set(UBUNTU))


def parse(given: str) -> tuple[str, ...]:
    """The profiles of `NAME+NAME...`, in that order; LabError names those that there are."""
    names = tuple(given.split("+"))
    if unknown := [name for name in names if name not in NAMES]:
        raise LabError(f"there is no past {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


def suite(given: str | None) -> str | None:
    """The Debian release that a past stands on, where it is another system by name."""
    suites = [UBUNTU[name].suite for name in parse(given) if name in UBUNTU] if given else []
    if len(suites) > 1:
        raise LabError(f"a host is one system: {given}")
    return suites[0] if suites else None


def layer(host: LabHost, say: Callable[[str], None]) -> str:
    """A directory whose disk/ the host's past puts over the base of its release; empty where it puts nothing there.

    Built when the cache lacks it."""
    script = _script(host.past, DISK, {})
    if not script:
        return ""
    names = "+".join(name for name in parse(host.past or "") if _script(name, DISK, {}))

    def build(draft: Path) -> None:
        say(f"making the disk of {host.suite} hosts with a past: {names} (once)")
        shell.run("unshare", "--mount", "sh", BUILD, host.base, draft, stdin=script)

    made = cache.ensure(f"past-{host.suite}-{names}", (host.base, script, BUILD.read_text()), build)
    return str(made)


def live(run: Run, lab: LabState, host: LabHost) -> None:
    """Run on a host that has booted what of its past belongs there, once."""
    mark = hosts.aged(lab, host)
    if host.past and not mark.exists():
        _on_host(run, lab, host, host.past, (HOST,))
        mark.touch()


def age(run: Run, lab: LabState, host: LabHost, given: str) -> None:
    """Give a running host a further past, and what its disk would have of it as well."""
    _on_host(run, lab, host, given, (DISK, HOST))


def _on_host(run: Run, lab: LabState, host: LabHost, given: str, parts: Iterable[str]) -> None:
    system = hosts.system(host)
    facts = {
        "DISTRIBUTION": system.id,
        "CODENAME": system.codename,
        "VERSION": system.version,
        "GATEWAY": lab.gateway,
        "REGISTRY": lab.registry,
        "WEB": f"http://{lab.gateway}:{WEB_PORT}",
        "PROXY": f"http://{lab.gateway}:{PROXY_PORT}",
        "ADDRESS": host.address,
    }
    for part in parts:
        done = run(host.name, _script(given, part, facts))
        if done.returncode:
            told = " / ".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            again = f"python -m lab down --name {lab.name}, then up"
            raise LabError(f"{host.name} does not take its past ({given}): {told}; make the lab anew: {again}")


def _script(given: str | None, part: str, facts: Mapping[str, str]) -> str:
    """Those parts of the profiles, one after the other, each in a shell of its own."""
    found = []
    for name in parse(given) if given else ():
        system = UBUNTU.get(name)
        about = {"VERSION": system.version, "CODENAME": system.codename, "NICK": system.nick} if system else {}
        for profile in system.profiles if system else (name,):
            path = HERE / profile / part
            if path.exists():
                settings = {"USER_NAME": USER, **about, **facts}
                given_facts = "".join(f"{key}={shlex.quote(value)}\n" for key, value in settings.items())
                found.append(f"(\n{given_facts}{LIBRARY.read_text()}{path.read_text()})\n")
    return "set -eu\n" + "".join(found) if found else ""
