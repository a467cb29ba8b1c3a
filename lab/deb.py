"""Making .deb packages from a description."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.files import copy, link, put
from lab.shell import run

MAINTAINER = "OpenPAI rehearsal lab <lab@localhost>"


@dataclass(frozen=True)
class Package:
    """One binary package. `files` gives the source of each file by its target, `links` the target of each link."""

    name: str
    version: str
    depends: str = ""
    recommends: str = ""
    relations: Mapping[str, str] = field(default_factory=dict)
    """Further fields of the control file, as Conflicts."""
    files: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    """postinst, prerm and so on: the lines after `set -e`."""
    triggers: str = ""
    """The lines of the control file of that name."""
    summary: str = "stand-in of the rehearsal lab"
    architecture: str = "amd64"

    def control(self) -> str:
        """The control file."""
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": MAINTAINER,
            "Depends": self.depends,
            "Recommends": self.recommends,
            **self.relations,
            "Description": f"{self.name}: {self.summary}",
        }
        return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)


def build(package: Package, folder: Path) -> Path:
    """Build the package into `folder`; returns its path."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "root")
        root.mkdir(mode=0o755)
        put(root / "DEBIAN/control", package.control().encode())
        for script, lines in package.scripts.items():
            put(root / "DEBIAN" / script, f"#!/bin/sh\nset -e\n{lines}".encode(), 0o755)
        if package.triggers:
            put(root / "DEBIAN/triggers", package.triggers.encode())
        for target, source in package.files.items():
            copy(source, root / target)
        for target, text in package.texts.items():
            put(root / target, text.encode())
        for target, name in package.links.items():
            link(root / target, name)
        path = folder / f"{package.name}_{package.version.replace(':', '%3a')}_{package.architecture}.deb"
        # gzip at its fastest: hosts unpack these many times, and an older release's dpkg knows no newer format.
        run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", root, path)
    return path
