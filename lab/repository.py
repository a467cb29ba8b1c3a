"""Signed apt repositories from .deb files, with a key the machine makes for its labs."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import state as states
from lab.apt import architecture
from lab.files import share
from lab.settings import CACHE
from lab.shell import run

GNUPG = CACHE / "gnupg"
KEY_NAME = "OpenPAI rehearsal lab"


def fingerprint() -> str:
    """The fingerprint of the lab's signing key; makes the key at first use."""
    with states.lock("gnupg"):
        if not GNUPG.is_dir():
            draft = GNUPG.with_name(".gnupg.new")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True, mode=0o700)
            gpg = ("gpg", "--homedir", draft, "--batch", "--quiet")
            run(*gpg, "--passphrase", "", "--quick-generate-key", KEY_NAME, "ed25519", "sign", "never")
            run("gpgconf", "--homedir", draft, "--kill", "gpg-agent")
            draft.rename(GNUPG)
    listing = _gpg("--with-colons", "--list-keys", KEY_NAME)
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


def armored_key() -> str:
    """The public key, as vendors serve it."""
    fingerprint()
    return _gpg("--armor", "--export", KEY_NAME)


def build(root: Path, suite: str, components: dict[str, list[Path]]) -> None:
    """Make the repository `deb URL suite component...` under `root`, from the .deb files of each component."""
    dist = root / "dists" / suite
    for component, packages in components.items():
        pool = dist / "pool" / component / architecture()
        index = dist / component / f"binary-{architecture()}"
        pool.mkdir(parents=True, exist_ok=True)
        index.mkdir(parents=True, exist_ok=True)
        for package in packages:
            share(package, pool / package.name)
        (index / "Packages").write_text(run("apt-ftparchive", "packages", pool.relative_to(root), cwd=root).stdout)
    fields = {
        "Origin": KEY_NAME,
        "Suite": suite,
        "Codename": suite,
        "Components": " ".join(components),
        "Architectures": architecture(),
    }
    _sign(dist, fields)


def build_flat(root: Path, packages: list[Path]) -> None:
    """Make the flat repository `deb URL /` in `root`, as NVIDIA's container toolkit is offered."""
    root.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if package.parent != root:
            share(package, root / package.name)
    (root / "Packages").write_text(run("apt-ftparchive", "packages", ".", cwd=root).stdout)
    _sign(root, {"Origin": KEY_NAME, "Architectures": architecture()})


def _sign(dist: Path, fields: dict[str, str]) -> None:
    fingerprint()
    for old in ("Release", "Release.gpg", "InRelease"):
        (dist / old).unlink(missing_ok=True)
    options = [f"--option=APT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    release = run("apt-ftparchive", *options, "release", ".", cwd=dist).stdout
    (dist / "Release").write_text(release)
    _gpg("--clearsign", "--output", str(dist / "InRelease"), str(dist / "Release"))
    _gpg("--armor", "--detach-sign", "--output", str(dist / "Release.gpg"), str(dist / "Release"))


def _gpg(*arguments: str) -> str:
    with states.lock("gnupg-use"):  # ending the agent under another lab's hands fails both
        done = run("gpg", "--homedir", GNUPG, "--batch", "--quiet", *arguments)
        run("gpgconf", "--homedir", GNUPG, "--kill", "gpg-agent")  # no process of the lab outlives its use
    return done.stdout
