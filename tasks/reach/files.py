"""Files on hosts, whole: text made here, or a file of this checkout."""

import io
from pathlib import Path
from typing import Any

from pyinfra.operations import files


def put(name: str, content: str | Path, dest: str, mode: str = "644", **how: Any) -> None:
    """Have `content`, a text or a file of this machine, at `dest` on the host; `how` are pyinfra's own arguments."""
    src = io.StringIO(content) if isinstance(content, str) else str(content)
    files.put(name=name, src=src, dest=dest, mode=mode, **how)
