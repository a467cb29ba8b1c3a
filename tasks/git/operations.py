"""One commit of a repository on a host.

pyinfra's git.repo follows branches and tags, and is never done with either.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation

from tasks.git.facts import WorkingCopy
from tasks.reach import script


@operation()
def checked_out(
    folder: str, repository: str, commit: str, environment: Mapping[str, str], bundle: str | None = None
) -> Generator[Any]:
    """Have `commit` (40 hex digits) of `repository` checked out in `folder`, unchanged.

    `environment` is set for git (proxies); `bundle` is a file of `git bundle` on this machine, for hosts without a way
    to the repository.
    """
    copy = host.get_fact(WorkingCopy, folder=folder)
    if copy.commit == commit and not copy.changed:
        return
    uploaded = ""
    if bundle:
        uploaded = f"{folder}.bundle"
        yield FileUploadCommand(str(Path(bundle).expanduser()), uploaded)
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in environment.items())
    yield StringCommand(exports, script("git/check-out", folder, repository, commit, uploaded), _separator="")
    if uploaded:
        yield StringCommand("rm", "-f", shlex.quote(uploaded))
