"""Waiting for something of the machine, in the one way that the lab and its tests do it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lab.shell import LabError

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    timeout: float,
    otherwise: str | Callable[[], str] = "what was waited for did not come to be",
    step: float = 0.05,
) -> T:
    """Ask `condition` every `step` seconds and return its first answer that is true.

    LabError after `timeout` seconds without one, with the sentence `otherwise` or what that returns then. However late
    a busy machine wakes this, it asks once more before it gives up.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            said = otherwise if isinstance(otherwise, str) else otherwise()
            raise LabError(f"{said} (waited {timeout:.0f} s)")
        time.sleep(step)
    return answer
