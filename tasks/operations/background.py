"""Long work on a host that must not stop half-way when the SSH connection or this machine goes away.

pyinfra runs every command below the SSH session: a lost connection takes the output's reader away and the command with
it. Here it runs as a transient systemd unit; a later run finds the unit and waits for it.
"""

from __future__ import annotations

import shlex

from pyinfra.api import StringCommand

# Seconds after which a unit is given up: compiling a driver's modules takes a few minutes on a slow machine.
TIME_LIMIT = 3600


def in_background(unit: str, script: str, log: str) -> StringCommand:
    """Run the shell `script` as `unit`, its output going to the file `log`; fails as it fails, with the log's end."""
    body = f"exec >>{log} 2>&1; {script}"
    return StringCommand(
        f'mkdir -p "$(dirname {log})" && : >{log} && '
        f"systemd-run --quiet --collect --wait --unit={unit} --property=RuntimeMaxSec={TIME_LIMIT} "
        f"sh -c {shlex.quote(body)} || {{ tail -n 15 {log} >&2; exit 1; }}"
    )


def ended(unit: str) -> StringCommand:
    """Wait for `unit`, started by an earlier run; how it ended is for the caller to see from the host's state."""
    # RuntimeMaxSec ends the unit, so this loop ends too.
    return StringCommand(f"while systemctl is-active --quiet {unit}; do sleep 2; done")
