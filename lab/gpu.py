"""The stand-in for a GPU in a host: hooks that the lab calls when it makes and boots a host."""

from __future__ import annotations

from pathlib import Path


def prepare(host_dir: Path, profile: str | None) -> None:
    """Called once when a host is made; fills `host_dir`/gpu, which the host sees as /opt/lab-gpu, read-only."""


def nspawn_arguments(host_dir: Path) -> list[str]:
    """Called at each boot; further arguments for systemd-nspawn."""
    return []


def on_boot(pid: int, host_dir: Path) -> None:
    """Called at each boot once the host's init `pid` runs; may mount things in its namespaces."""
