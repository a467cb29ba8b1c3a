"""Packages and sources of Debian, from the mirror that this machine's own apt sources name."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import apt
from lab.shell import LabError, run
from lab.state import lock


def check() -> None:
    """Raise LabError on a machine whose apt sources are not Debian's."""
    if apt.distribution() != "debian":
        raise LabError(
            "the lab's Kubernetes is built from Debian's packages: it needs a machine with Debian's apt sources"
        )


class Downloads:
    """A directory of packages and sources, and what can be done with them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def packages(self, release: str, names: list[str]) -> None:
        """Download packages of a release."""
        apt.download(release, names, self.directory)

    def source(self, release: str, name: str) -> None:
        """Download a source package of a release, with apt's state beside the downloads and not in the machine's."""
        root = self.directory / "apt"
        (root / "lists/partial").mkdir(parents=True, exist_ok=True)
        entries = [source.text().replace("Types: deb\n", "Types: deb-src\n") for source in apt.sources(release)]
        (root / "debian.sources").write_text("\n".join(entries))
        options = {
            "Dir::State::lists": root / "lists",
            "Dir::Etc::sourcelist": root / "debian.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "APT::Sandbox::User": "root",
            "APT::Update::Post-Invoke-Success": "",
        }
        command = ["apt-get", "--quiet", *(f"--option={key}={value}" for key, value in options.items())]
        with lock("apt-source"):
            run(*command, "--error-on=any", "update")
            run(*command, "source", "--download-only", name, cwd=self.directory)
        shutil.rmtree(root)

    def unpack(self, into: Path, names: list[str]) -> None:
        """Unpack packages into a directory, one over the other; none of their scripts is run."""
        into.mkdir(parents=True, exist_ok=True)
        for name in names:
            run("dpkg", "-x", self._one(f"{name}_*.deb"), into)

    def unpack_source(self, name: str, into: Path) -> None:
        """Unpack a source package, Debian's patches applied, as the directory `into`."""
        into.parent.mkdir(parents=True, exist_ok=True)
        run("dpkg-source", "--no-check", "-x", self._one(f"{name}_*.dsc"), into)

    def versions(self) -> dict[str, str]:
        """Version by name of all that is there."""
        files = sorted([*self.directory.glob("*.deb"), *self.directory.glob("*.dsc")])
        pairs = (file.stem.replace("%3a", ":").split("_") for file in files)
        return {pair[0]: pair[1] for pair in pairs}

    def _one(self, pattern: str) -> Path:
        found = list(self.directory.glob(pattern))
        if len(found) != 1:
            raise LabError(
                f"{self.directory} has {len(found)} files like {pattern}; delete {self.directory} and try again"
            )
        return found[0]
