"""Waiting for other hosts.

pyinfra orders the operations of one host, not those of different hosts: a worker's join could run before the master is
up. An operation that several hosts share is where they barrier.
"""

from collections.abc import Generator
from typing import Any

from pyinfra.api import operation


@operation()
def barrier() -> Generator[Any]:
    """Go on only when every host has come this far; it changes nothing."""
    yield from ()
