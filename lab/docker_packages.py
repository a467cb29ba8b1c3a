"""docker-ce, docker-ce-cli and containerd.io for the lab: a suite's own engine under the vendor's package names.

They exist so that the deploy takes the vendor's way (key, source, names, versions) where only the distribution's
packages can be had. A metapackage would not do: the deploy removes docker.io first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from lab import apt, cache, deb, repository
from lab.apt import System
from lab.shell import run

PARTS = Path(__file__).parent / "docker"

CONFIGURE = """\
[ "$1" = configure ] || exit 0
{before}
for unit in {units}; do deb-systemd-helper enable "$unit" >/dev/null; done
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload
    if [ -n "$2" ]; then deb-systemd-invoke restart {units}; else deb-systemd-invoke start {units}; fi
fi
"""
REMOVE = """\
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then deb-systemd-invoke stop {units}; fi
"""
PURGE = """\
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl --system daemon-reload; fi
if [ "$1" = purge ]; then for unit in {units}; do deb-systemd-helper purge "$unit" >/dev/null; done; fi
"""


def ensure(suite: str, system: System, say: Callable[[str], None]) -> Path:
    """The directory with `dists/CODENAME` of the vendor-like repository, two versions of the engine in it.

    The engine is that of `suite`; `system` is what its hosts say they are, which may be another by name.
    """

    def build(draft: Path) -> None:
        say(f"building the docker-ce packages for {system.codename} (once)")
        _build(suite, system, draft)

    recipes = (*sorted(PARTS.iterdir()), Path(__file__), Path(deb.__file__))
    made_from = [path.read_text() for path in recipes]
    return cache.ensure(f"docker-{system.codename}", (made_from, system, repository.fingerprint()), build)


def vendor_versions(upstream: str, system: System) -> tuple[str, str]:
    """Two versions of one engine, older first, spelled as the vendor spells them before and from 23.0 on."""
    if int(upstream.split(".")[0]) < 23:
        name = f"{system.id}-{system.codename}"
        return f"5:{upstream}~2-0~{name}", f"5:{upstream}~3-0~{name}"
    name = f"{system.id}.{system.version}~{system.codename}"
    return f"5:{upstream}-1~{name}", f"5:{upstream}-2~{name}"


def _build(suite: str, system: System, draft: Path) -> None:
    debs = apt.download(suite, ["docker.io", "containerd", "runc", "tini"], draft / "debs")
    if "docker-cli" in _field(debs["docker.io"], "Depends", "Recommends"):  # a package of its own from 26.1 on
        debs |= apt.download(suite, ["docker-cli"], draft / "debs")
    tree = draft / "tree"
    for archive in debs.values():
        run("dpkg-deb", "--extract", archive, tree)
    packages = [_containerd(system, debs, tree)]
    for version in vendor_versions(_upstream(debs["docker.io"]), system):
        packages += [_cli(version, tree), _engine(version, debs, tree)]
    (draft / "packages").mkdir()
    built = [deb.build(package, draft / "packages") for package in packages]
    repository.build(draft, system.codename, {"stable": built, "test": built})
    for leftover in ("debs", "tree", "packages"):
        shutil.rmtree(draft / leftover)


def _engine(version: str, debs: dict[str, Path], tree: Path) -> deb.Package:
    programs = {"dockerd": "dockerd", "docker-proxy": "docker-proxy", "docker-init": "tini-static"}
    return deb.Package(
        "docker-ce",
        version,
        ", ".join(["containerd.io (>= 1.4.1)", "docker-ce-cli", "iptables", *_libraries(debs["docker.io"])]),
        relations={"Conflicts": "docker, docker-engine, docker.io", "Replaces": "docker-engine"},
        files={f"usr/bin/{name}": _program(tree, source) for name, source in programs.items()}
        | _units("docker.service", "docker.socket"),
        scripts=_scripts("docker.socket docker.service", "getent group docker >/dev/null || groupadd --system docker"),
        summary="the open-source application container engine",
        architecture=apt.architecture(),
    )


def _cli(version: str, tree: Path) -> deb.Package:
    return deb.Package(
        "docker-ce-cli",
        version,
        "libc6",
        relations={"Conflicts": "docker, docker-engine, docker.io, docker-cli"},
        files={"usr/bin/docker": _program(tree, "docker")},
        summary="the open-source application container engine's client",
        architecture=apt.architecture(),
    )


def _containerd(system: System, debs: dict[str, Path], tree: Path) -> deb.Package:
    version = f"{_upstream(debs['containerd'])}-1"
    if int(_upstream(debs["docker.io"]).split(".")[0]) >= 23:
        version += f"~{system.id}.{system.version}~{system.codename}"
    programs = ["ctr", *(path.name for path in tree.glob("usr/bin/containerd*"))]
    runc = {"usr/libexec/openpai-lab/runc": _program(tree, "runc"), "usr/bin/runc": PARTS / "runc"}
    same = "containerd, runc"
    return deb.Package(
        "containerd.io",
        version,
        ", ".join(sorted({*_libraries(debs["containerd"]), *_libraries(debs["runc"])})),
        relations={"Conflicts": same, "Replaces": same, "Provides": same},
        files={f"usr/bin/{name}": _program(tree, name) for name in programs} | runc | _units("containerd.service"),
        scripts=_scripts("containerd.service"),
        summary="an open and reliable container runtime",
        architecture=apt.architecture(),
    )


def _program(tree: Path, name: str) -> Path:
    return next(path for path in sorted(tree.glob(f"usr/*bin/{name}")) if not path.is_symlink())


def _units(*names: str) -> dict[str, Path]:
    return {f"lib/systemd/system/{name}": PARTS / name for name in names}


def _scripts(units: str, before: str = "") -> dict[str, str]:
    scripts = {"postinst": CONFIGURE, "prerm": REMOVE, "postrm": PURGE}
    return {name: text.format(units=units, before=before) for name, text in scripts.items()}


def _upstream(archive: Path) -> str:
    version = run("dpkg-deb", "--field", archive, "Version").stdout.strip().split(":")[-1]
    return version.split("+")[0].split("~")[0].split("-")[0]


def _libraries(archive: Path) -> list[str]:
    words = (word.strip() for word in _field(archive, "Depends").split(","))
    return [word for word in words if word.startswith("lib")]


def _field(archive: Path, *names: str) -> str:
    return run("dpkg-deb", "--field", archive, *names).stdout.strip()
