"""The initramfs of every installed kernel, rebuilt when it lacks the blacklist. pyinfra has nothing for it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.facts.nvidia_driver import NvidiaDriver

_REBUILD = {
    "update-initramfs": "update-initramfs -u -k all",
    "dracut": "dracut --force --regenerate-all",
}


@operation()
def knows_blacklist() -> Generator[Any]:
    """Rebuild every initramfs that is older than the blacklist of nouveau.

    Both tools write beside the image and rename, so one that is newer is complete; a host without an initramfs has
    nothing to rebuild.
    """
    state = host.get_fact(NvidiaDriver)
    if state.stale_initramfs and state.initramfs_tool:
        yield StringCommand(_REBUILD[state.initramfs_tool])
