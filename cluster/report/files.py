"""Where the reports of a cluster are, and how one is written: whole or not at all, for their owner alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cluster.data import HERE
from cluster.files import write_atomically


def folder(cluster: str) -> Path:
    """Where the reports of the cluster called so are: in the checkout, else where the run was started."""
    return HERE / "reports" / cluster


def save(path: Path, content: Mapping[str, object]) -> Path:
    """Write `content` to `path` as JSON, in a folder that is made where it is missing. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def shown(path: Path) -> str:
    """`path` as a person would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
