"""docker-ce, docker-ce-cli and containerd.io for the lab: a suite's own engine under the vendor's package names.

They exist so that the deploy takes the vendor's way (key, source, names, versions) where only the distribution's
packages can be had. A metapackage would not do: the deploy removes docker.io first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from lab import apt, cache, repository
from lab.shell import run

PARTS = Path(__file__).parent / "docker"
MAINTAINER = "OpenPAI rehearsal lab <lab@example.com>"

CONFIGURE = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
{before}
for unit in {units}; do deb-systemd-helper enable "$unit" >/dev/null; done
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload
    if [ -n "$2" ]; then deb-systemd-invoke restart {units}; else deb-systemd-invoke start {units}; fi
fi
"""
REMOVE = """#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then deb-systemd-invoke stop {units}; fi
"""
PURGE = """#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl --system daemon-reload; fi
if [ "$1" = purge ]; then for unit in {units}; do deb-systemd-helper purge "$unit" >/dev/null; done; fi
"""


def ensure(suite: str, version_id: str, say: Callable[[str], None]) -> Path:
    """The directory with `dists/SUITE` of the vendor-like repository, two versions of the engine in it.

    `version_id` is the suite's release number (12 for bookworm), which newer vendor versions contain.
    """

    def build(draft: Path) -> None:
        say(f"building the docker-ce packages for {suite} (once)")
        _build(suite, version_id, draft)

    made_from = [path.read_text() for path in sorted(PARTS.iterdir())] + [Path(__file__).read_text()]
    return cache.ensure(f"docker-{suite}", (made_from, repository.fingerprint()), build)


def vendor_versions(upstream: str, suite: str, version_id: str) -> tuple[str, str]:
    """Two versions of one engine, older first, spelled as the vendor spells them before and from 23.0 on."""
    name = apt.distribution()
    if int(upstream.split(".")[0]) < 23:
        return f"5:{upstream}~2-0~{name}-{suite}", f"5:{upstream}~3-0~{name}-{suite}"
    return f"5:{upstream}-1~{name}.{version_id}~{suite}", f"5:{upstream}-2~{name}.{version_id}~{suite}"


def _build(suite: str, version_id: str, draft: Path) -> None:
    debs = apt.download(suite, ["docker.io", "containerd", "runc", "tini"], draft / "debs")
    if "docker-cli" in _field(debs["docker.io"], "Depends", "Recommends"):  # a package of its own from 26.1 on
        debs |= apt.download(suite, ["docker-cli"], draft / "debs")
    tree = draft / "tree"
    for deb in debs.values():
        run("dpkg-deb", "--extract", deb, tree)
    built = [_containerd(suite, version_id, debs, tree, draft)]
    for version in vendor_versions(_upstream(debs["docker.io"]), suite, version_id):
        built += [_cli(version, tree, draft), _engine(version, debs, tree, draft)]
    repository.build(draft, suite, {"stable": built, "test": built})
    for leftover in ("debs", "tree", "packages"):
        shutil.rmtree(draft / leftover)


def _engine(version: str, debs: dict[str, Path], tree: Path, draft: Path) -> Path:
    package = draft / "packages/docker-ce"
    _copy(tree, package, {"dockerd": "usr/bin", "docker-proxy": "usr/bin", "tini-static": "usr/bin"})
    (package / "usr/bin/tini-static").rename(package / "usr/bin/docker-init")
    _units(package, "docker.service", "docker.socket")
    group = "getent group docker >/dev/null || groupadd --system docker"
    control = {
        "Depends": ", ".join(["containerd.io (>= 1.4.1)", "docker-ce-cli", "iptables", *_libraries(debs["docker.io"])]),
        "Conflicts": "docker, docker-engine, docker.io",
        "Replaces": "docker-engine",
        "Description": "Docker: the open-source application container engine",
    }
    return _pack(package, "docker-ce", version, control, "docker.socket docker.service", group)


def _cli(version: str, tree: Path, draft: Path) -> Path:
    package = draft / "packages/docker-ce-cli"
    _copy(tree, package, {"docker": "usr/bin"})
    control = {
        "Depends": "libc6",
        "Conflicts": "docker, docker-engine, docker.io, docker-cli",
        "Description": "Docker CLI: the open-source application container engine",
    }
    return _pack(package, "docker-ce-cli", version, control)


def _containerd(suite: str, version_id: str, debs: dict[str, Path], tree: Path, draft: Path) -> Path:
    package = draft / "packages/containerd.io"
    programs = ["ctr", *(path.name for path in tree.glob("usr/bin/containerd*"))]
    _copy(tree, package, {**{program: "usr/bin" for program in programs}, "runc": "usr/libexec/openpai-lab"})
    shutil.copy(PARTS / "runc", package / "usr/bin/runc")
    (package / "usr/bin/runc").chmod(0o755)
    _units(package, "containerd.service")
    control = {
        "Depends": ", ".join(sorted({*_libraries(debs["containerd"]), *_libraries(debs["runc"])})),
        "Conflicts": "containerd, runc",
        "Replaces": "containerd, runc",
        "Provides": "containerd, runc",
        "Description": "An open and reliable container runtime",
    }
    version = f"{_upstream(debs['containerd'])}-1"
    if int(_upstream(debs["docker.io"]).split(".")[0]) >= 23:
        version += f"~{apt.distribution()}.{version_id}~{suite}"
    return _pack(package, "containerd.io", version, control, "containerd.service")


def _copy(tree: Path, package: Path, programs: dict[str, str]) -> None:
    shutil.rmtree(package, ignore_errors=True)
    for name, folder in programs.items():
        source = next(path for path in sorted(tree.glob(f"usr/*bin/{name}")) if not path.is_symlink())
        (package / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, package / folder / name)


def _units(package: Path, *names: str) -> None:
    folder = package / "lib/systemd/system"
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(PARTS / name, folder / name)
        (folder / name).chmod(0o644)


def _pack(package: Path, name: str, version: str, control: dict[str, str], units: str = "", before: str = "") -> Path:
    debian = package / "DEBIAN"
    debian.mkdir()
    architecture = run("dpkg", "--print-architecture").stdout.strip()
    fields = {"Package": name, "Version": version, "Architecture": architecture, "Maintainer": MAINTAINER, **control}
    (debian / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    if units:
        for script, text in {"postinst": CONFIGURE, "prerm": REMOVE, "postrm": PURGE}.items():
            (debian / script).write_text(text.format(units=units, before=before))
            (debian / script).chmod(0o755)
    target = package.parent / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
    # gzip at its fastest: hosts unpack these many times, and an older release's dpkg knows no newer format.
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", package, target)
    return target


def _upstream(deb: Path) -> str:
    version = run("dpkg-deb", "--field", deb, "Version").stdout.strip().split(":")[-1]
    return version.split("+")[0].split("~")[0].split("-")[0]


def _libraries(deb: Path) -> list[str]:
    words = (word.strip() for word in _field(deb, "Depends").split(","))
    return [word for word in words if word.startswith("lib")]


def _field(deb: Path, *names: str) -> str:
    return run("dpkg-deb", "--field", deb, *names).stdout.strip()
