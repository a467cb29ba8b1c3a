"""A small text file that may hold a secret.

pyinfra's files.put shows the text of every file with --diff; this one shows a secret file's name only.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation
from pyinfra.facts.files import File, FileContents

from tasks.operations.diff import show_diff


@operation()
def text(path: str, content: str, secret: bool) -> Generator[Any]:
    """Write `content` to `path`, owned by root: mode 0600 where it is `secret`, else 0644."""
    mode = 600 if secret else 644
    lines = host.get_fact(FileContents, path=path)
    before = "\n".join(lines) + "\n" if lines else ""
    if before != content:
        show_diff(path, before, "(not shown: it holds a password)\n" if secret else content)
        yield StringCommand(f"mkdir -p $(dirname {path})")
        yield FileUploadCommand(io.StringIO(content), path)
    elif (found := host.get_fact(File, path=path)) and found["mode"] == mode:
        return
    yield StringCommand(f"chmod {mode} {path}")
