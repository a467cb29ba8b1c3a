"""The Docker daemon as it is: what it runs with, what its files say, and what it carries.

pyinfra's docker facts list objects; none tells whether the running daemon has read its present configuration.
"""

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import StringCommand

from tasks.docker import daemon_json
from tasks.reach import Fact, probe_script, probes, program, shell
from tasks.systemd import CLOCK, CLOCK_RESOLUTION, started_at

DAEMON_JSON = "/etc/docker/daemon.json"
# What the daemon was last seen to run with; in /run, so it never outlives the boot that it speaks of.
APPLIED = "/run/openpai-deploy/docker-applied.json"
DROP_INS = "/etc/systemd/system/docker.service.d"
# Where Docker's client, run by root, keeps its logins.
CLIENT_CONFIG = "/root/.docker/config.json"


@dataclass(frozen=True)
class DockerDaemon:
    """A host's Docker: binaries, unit, configuration file, and what is in force.

    `unread` is true where there is a drop-in that systemd has not read, also in a folder that is new to it, of which
    its NeedDaemonReload does not tell. `stored` is true where /var/lib/docker, Docker's own data folder, holds
    containers, be there a daemon or none.
    """

    installed: bool = False
    version: str = ""
    active: bool = False
    enabled: bool = False
    invocation: str = ""
    needs_daemon_reload: bool = False
    unread: bool = False
    started: float = 0.0
    exec_start: str = ""
    file: str | None = None
    file_changed: float = 0.0
    units_changed: float = 0.0
    units_digest: str = ""
    applied: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    stored: bool = False

    @property
    def answers(self) -> bool:
        """True when the daemon answered `docker info`."""
        return bool(self.info.get("ServerVersion"))

    @property
    def live_restore(self) -> bool:
        """True when containers outlive a restart of the running daemon."""
        return bool(self.info.get("LiveRestoreEnabled"))

    @property
    def in_force(self) -> dict[str, Any] | None:
        """The daemon.json that the running daemon has read; None when nobody can tell."""
        if self.applied and self.applied.get("invocation") == self.invocation:
            return self.applied["config"]
        if self.file_changed < self.started - CLOCK_RESOLUTION:
            with suppress(ValueError):
                return daemon_json.parse(self.file)
        return None

    @property
    def units_in_force(self) -> bool:
        """True when the daemon was started after its unit files (the proxy's drop-in among them) were last written."""
        if self.unread:
            return False
        if self.applied and self.applied.get("invocation") == self.invocation:
            return self.applied.get("units") == self.units_digest
        return self.units_changed < self.started - CLOCK_RESOLUTION


class Docker(Fact[DockerDaemon]):
    """Read everything about a host's Docker daemon in one command."""

    default = DockerDaemon

    def command(self) -> StringCommand:
        return probe_script("docker/daemon.sh", DAEMON_JSON, APPLIED, DROP_INS, CLOCK)

    def read(self, found: dict[str, str]) -> DockerDaemon:
        """An invalid daemon.json is kept as text: judging it is the caller's."""
        unit = dict(line.split("=", 1) for line in found["unit"].splitlines() if "=" in line)
        changed = {name: float(at) for name, at in (line.rsplit(" ", 1) for line in found["ctimes"].splitlines())}
        file_changed = changed.pop(DAEMON_JSON, 0.0)
        info = json.loads(found["info"]) if found["info"].startswith("{") else {}
        running = info.get("ServerVersion", "")
        return DockerDaemon(
            installed=bool(found["version"]) and unit.get("LoadState") == "loaded",
            version=running if found["version"] == "running" else _version(found["version"]),
            active=unit.get("ActiveState") == "active",
            enabled=unit.get("UnitFileState") == "enabled",
            invocation=unit.get("InvocationID", ""),
            needs_daemon_reload=unit.get("NeedDaemonReload") == "yes" or bool(found.get("unread")),
            unread=bool(found.get("unread")),
            started=started_at(found["clock"], unit),
            exec_start=unit.get("ExecStart", ""),
            file=found["file"] or None,
            file_changed=file_changed,
            units_changed=max(changed.values(), default=0.0),
            units_digest=hashlib.sha256(found["units"].encode()).hexdigest(),
            applied=_note(found["applied"]),
            info=info,
            containers=tuple(found["containers"].splitlines()),
            stored=bool(found.get("stored")),
        )


def _version(said: str) -> str:
    """The version in what `dockerd --version` says."""
    return said.removeprefix("Docker version ").split(",")[0]


def _note(text: str) -> dict[str, Any]:
    if not text:
        return {}
    note = json.loads(text)
    if not isinstance(note["config"], dict):
        raise ValueError(f"{APPLIED} holds no configuration")
    return note


class DockerApi(Fact[list[str]]):
    """The lowest and the highest API version that the Docker daemon serves; nothing where none answers."""

    default = list

    def command(self) -> StringCommand:
        shown = "{{.Server.MinAPIVersion}} {{.Server.APIVersion}}"
        return probes(served=["docker", "version", "--format", shown])

    def read(self, found: dict[str, str]) -> list[str]:
        if found["served"] and not re.fullmatch(r"\d+\.\d+ \d+\.\d+", found["served"]):
            raise ValueError("no pair of versions")
        return found["served"].split()


class Logins(Fact[list[str]]):
    """How each of `paths` stands to the login on standard input: `absent`, `other`, or `ours` with mode and owner."""

    default = list

    def command(self, paths: list[str]) -> StringCommand:
        return probes(found=program("docker/logins.sh", *paths))

    def read(self, found: dict[str, str]) -> list[str]:
        return found["found"].splitlines()


class Unowned(Fact[list[str]]):
    """Those of the files `paths` that are there and that no package owns."""

    default = list

    def command(self, paths: list[str]) -> StringCommand:
        there = 'for file; do shift; [ ! -e "$file" ] || set -- "$@" "$file"; done'
        owned = 'owned=$(dpkg-query -S "$@" | sed "s/^.*: //")'
        return probes(unowned=shell(f"""{there}; {owned}; printf '%s\\n' "$@" | grep -vxF -- "$owned\"""", *paths))

    def read(self, found: dict[str, str]) -> list[str]:
        return found["unowned"].splitlines()


class GroupsOf(Fact[list[str]]):
    """The groups of a user, primary one included; none for an unknown user."""

    default = list

    def command(self, user: str) -> StringCommand:
        return probes(groups=["id", "-nG", "--", user])

    def read(self, found: dict[str, str]) -> list[str]:
        return found["groups"].split()
