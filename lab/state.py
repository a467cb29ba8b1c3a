"""What a lab consists of, and the file that remembers it."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lab.settings import CACHE, REGISTRY_PORT, STATE
from lab.shell import LabError

NAME = re.compile(r"[a-z][a-z0-9-]{0,9}")


@dataclass
class LabHost:
    """One host: its name and role as in the cluster folder, address, Debian or Ubuntu suite, GPU profile, and past.

    Its disk stands on `base`, that of its suite, under what its past adds, `layer`."""

    name: str
    role: str
    address: str
    suite: str
    base: str
    gpu: str | None = None
    past: str | None = None
    layer: str = ""


@dataclass
class LabState:
    """A lab as remembered in its directory. `index` selects its /24 of 10.77.0.0/16; the password is not in it."""

    name: str
    index: int
    folder: str
    hosts: list[LabHost] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """Everything of this lab, apart from the cluster folder."""
        return STATE / self.name

    @property
    def bridge(self) -> str:
        """The bridge's interface name; the length of lab names keeps it within the kernel's 15 characters."""
        return f"pai-{self.name}"

    @property
    def network(self) -> str:
        """The lab's own /24."""
        return f"10.77.{self.index}.0/24"

    @property
    def gateway(self) -> str:
        """The machine's address on the bridge, where the services listen."""
        return self.address(1)

    @property
    def registry(self) -> str:
        """The lab's image registry, which speaks plain HTTP, as host:port."""
        return f"{self.gateway}:{REGISTRY_PORT}"

    def address(self, last: int) -> str:
        """The address with this last byte."""
        return f"10.77.{self.index}.{last}"

    def host(self, name: str) -> LabHost:
        """The host of that name; LabError names those that exist."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"lab {self.name} has no host {name}; it has {', '.join(h.name for h in self.hosts)}")

    def host_directory(self, name: str) -> Path:
        """The directory of one host: its disk's upper layer, data volumes, log and gpu/."""
        return self.directory / "hosts" / name

    def save(self) -> None:
        """Write the state beside its place and rename it there; readable by root alone."""
        with lock("labs"):
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / "lab.json"
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)
        draft.rename(path)


def load(name: str) -> LabState | None:
    """The lab of that name, or None when there is none."""
    try:
        saved = json.loads((STATE / name / "lab.json").read_text())
    except FileNotFoundError:  # at any time: it may be going down
        return None
    hosts = [LabHost(**_known(LabHost, host)) for host in saved.pop("hosts")]
    return LabState(**_known(LabState, saved), hosts=hosts)


def _known(kind: type, saved: dict[str, Any]) -> dict[str, Any]:
    """The fields of that dataclass; another version of the lab may have saved more."""
    return {field.name: saved[field.name] for field in fields(kind) if field.name in saved}


def need(name: str) -> LabState:
    """The lab of that name; LabError when there is none."""
    state = load(name)
    if state is None:
        raise LabError(f"there is no lab {name}; make it with: python -m lab up --name {name}")
    return state


def every() -> list[LabState]:
    """All labs of this machine, by name."""
    with lock("labs"):
        names = sorted(path.parent.name for path in STATE.glob("*/lab.json"))
    return [state for state in map(load, names) if state]


def remove_root() -> None:
    """Remove the directory of all labs with the last of them, unless it is a disk's own place."""
    with lock("labs"):  # another lab may just be making its own directory there
        if STATE.is_dir() and not STATE.is_mount() and not any(STATE.iterdir()):
            STATE.rmdir()


def check_name(name: str) -> None:
    """Refuse a name that cannot be part of an interface name."""
    if not NAME.fullmatch(name):
        raise LabError(f"{name!r} is no lab name; use 1 to 10 of a-z, 0-9 and -, beginning with a letter")


@contextmanager
def lock(what: str) -> Iterator[None]:
    """Hold the machine-wide lock called `what` while the block runs; others wait for it."""
    folder = CACHE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / what, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
