"""Where the reports of a cluster are, and how one is written: whole or not at all, for their owner alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cluster.data import HERE
from cluster.files import write_atomically
from cluster.report.records import read


def private_folder(cluster: str) -> Path:
    """The folder of the reports of the cluster called so, made for its owner alone. Raises OSError.

    It is in the checkout, wherever a run was started; without one, where the run was started.
    """
    folder = HERE / "reports" / cluster
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def save(path: Path, content: Mapping[str, object]) -> Path:
    """Write `content` to `path` as JSON, in a folder that is made where it is missing. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def write(folder: Path) -> Path:
    """Renew index.html in `folder` from the records that are there, and return its path. Raises OSError."""
    from cluster.report.page import html  # with pygal: a fifth of a second, at the end of a run

    page = folder / "index.html"
    write_atomically(page, html(read(folder)))
    return page


def renewed(place: Path | str, records: Mapping[str, Mapping[str, object]]) -> str:
    """Save `records` (by file name), renew the page beside them, and return the line that says where that is.

    `place` is the cluster's name, or another folder than its own.

    No run fails for its report: where it cannot be written, the line says why.
    """
    try:
        folder = private_folder(place) if isinstance(place, str) else place
        for name, content in records.items():
            save(folder / name, content)
        page = write(folder)
    except OSError as error:
        return f"the report could not be written: {error.filename}: {error.strerror}"
    except Exception as error:  # whatever another version left there
        return f"the report could not be made: {type(error).__name__}: {error}; remove the .json files of {place}"
    return f"report: {page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page}"
