"""What every program begins with: an end when it is told to, and the fault that a test has built into its image."""

from __future__ import annotations

import os
import signal
import sys
import time

CRASH, UNREADY = "crash", "unready"


def begin() -> None:
    """End at SIGTERM; by LAB_FAULT in the environment end with an error at once, or run on and never open a port.

    The kernel has no default action for a container's first process: it would live as long as the kubelet's grace."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    fault = os.environ.get("LAB_FAULT")
    if fault == CRASH:
        sys.exit("Error: connect ECONNREFUSED (a fault that the lab was told to have)")
    while fault == UNREADY:
        time.sleep(60)
