"""NVIDIA's container toolkit: the packages of its apt repository, and a runtime that works as the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab import cache
from lab.deb import Package
from lab.files import put
from lab.gpu.driver import content
from lab.shell import run

SOURCES = Path(__file__).parent / "toolkit"
VERSIONS = ("1.17.7", "1.17.8")
LEGACY = "3.14.0-1"
"""The last version of the package nvidia-container-runtime; empty since the toolkit took its binary over."""
CONFIG = """\
[nvidia-container-cli]
environment = []
load-kmods = true

[nvidia-container-runtime]
log-level = "info"
mode = "auto"
runtimes = ["docker-runc", "runc", "crun"]
"""


def packages() -> Iterator[Package]:
    """Every package, in two versions, and the legacy name."""
    for upstream in VERSIONS:
        folder, version = files(upstream), f"{upstream}-1"
        same = f"(= {version})"
        yield Package("libnvidia-container1", version)
        tools = {"usr/bin/nvidia-container-cli": folder / "nvidia-container-cli"}
        yield Package("libnvidia-container-tools", version, f"libnvidia-container1 (>= {version})", files=tools)
        yield Package(
            "nvidia-container-toolkit-base",
            version,
            relations={"Breaks": "nvidia-container-runtime (<= 3.5.0-1)"},
            files={f"usr/bin/{name}": folder / name for name in ("nvidia-container-runtime", "nvidia-ctk")},
            texts={"etc/nvidia-container-runtime/config.toml": CONFIG},
        )
        yield Package(
            "nvidia-container-toolkit",
            version,
            f"nvidia-container-toolkit-base {same}, libnvidia-container-tools {same}",
        )
    yield Package("nvidia-container-runtime", LEGACY, "nvidia-container-toolkit (>= 1.14.0-1)")


def files(version: str) -> Path:
    """A folder with the programs of that version; the runtime is static, so that hosts of any suite run it."""
    return cache.ensure(f"gpu-toolkit-{version}", content(SOURCES), lambda folder: _make(version, folder))


def _make(version: str, folder: Path) -> None:
    for name in ("nvidia-ctk", "nvidia-container-cli"):
        put(folder / name, (SOURCES / name).read_bytes().replace(b"@VERSION@", version.encode()), 0o755)
    source, program = SOURCES / "nvidia-container-runtime.c", folder / "nvidia-container-runtime"
    run("gcc", "-O2", "-static", f'-DVERSION="{version}"', source, "-o", program)
