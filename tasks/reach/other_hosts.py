"""Asking another host of the run while an operation runs on this one: a worker's join needs the master's word."""

import io
from typing import Any

from gevent.lock import BoundedSemaphore
from pyinfra.api import Host, QuoteString, StringCommand
from pyinfra.api.exceptions import PyinfraError

from cluster import Role

# sshd serves ten sessions a connection (MaxSessions); the other host's own operation needs some of them.
_turn = BoundedSemaphore(6)


def the_master(host: Host) -> Host:
    """The master of the cluster of `host`."""
    return next(other for other in host.inventory if other.data.role == Role.MASTER.value)


def the_dev_box(host: Host) -> Host:
    """The dev box of the cluster of `host`."""
    return next(other for other in host.inventory if other.data.role == Role.DEV_BOX.value)


def copied(state: Any, host: Host, other: Host, source: str, target: str, owner: str) -> bool:
    """The file `source` of `other` as `target` on `host`, readable by `owner` alone; made for a FunctionCommand."""
    content = io.BytesIO()
    command = StringCommand("chmod 600", QuoteString(target), "&& chown", QuoteString(f"{owner}:"), QuoteString(target))
    return (
        other.get_file(source, content, _sudo=True)
        and host.put_file(content, target, _sudo=True)
        and host.run_shell_command(command, _sudo=True)[0]
    )


def ask(other: Host, command: str | StringCommand, stdin: Any = None) -> str:
    """Run `command` as root on `other`, which is connected first where --limit left it out; its standard output.

    Nothing of it is shown. PyinfraError, with what the command said, when it fails.
    """
    with _turn:
        if not other.connected:
            other.connect(reason="for another host's sake", raise_exceptions=True)
        worked, output = other.run_shell_command(
            StringCommand(command), print_output=False, print_input=False, _sudo=True, _stdin=stdin
        )
    if not worked:
        said = output.stderr.strip().splitlines()
        raise PyinfraError(f"{other.name}: {said[-1] if said else 'a command failed without a word'}")
    return output.stdout
