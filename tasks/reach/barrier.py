"""Waiting for other hosts.

pyinfra orders the operations of one host, not those of different hosts: a worker's join could run before the master is
up. An operation that several hosts share is where they barrier.
"""

from pyinfra.api import operation

from tasks.reach.script import Commands


@operation()
def barrier() -> Commands:
    """Go on only when every host has come this far; it changes nothing."""
    yield from ()
