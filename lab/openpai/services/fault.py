"""The fault that a test has built into an image: LAB_FAULT in its environment."""

from __future__ import annotations

import os
import sys
import time

CRASH, UNREADY = "crash", "unready"


def suffer() -> None:
    """End with an error for `crash`; for `unready`, run on and never open a port."""
    fault = os.environ.get("LAB_FAULT")
    if fault == CRASH:
        sys.exit("Error: connect ECONNREFUSED (a fault that the lab was told to have)")
    while fault == UNREADY:
        time.sleep(60)
