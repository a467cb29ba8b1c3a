"""Long commands in a systemd unit of their own, so that a run that is killed does not half-kill them.

pyinfra runs a command as a child of the SSH session, which ends with the session.
"""

import shlex

from pyinfra.api import QuoteString, StringCommand
from pyinfra.context import ctx_host

from tasks.progress import notes
from tasks.reach.waiting import until

LOGS, STATUS = "/var/log/openpai-deploy", "/run/openpai-deploy"
# How the units of this project are called, for facts that look for one left running by an earlier run.
PREFIX = "openpai-deploy-"
# A login shell's; a unit's own lacks /usr/local/bin on some releases.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Seconds after which a unit is given up: compiling a driver's modules takes a few minutes on a slow machine.
TIME_LIMIT = 3600


def literal(command: str | StringCommand) -> QuoteString:
    """Shell text as one word for systemd-run: in a unit's command line systemd itself replaces ${NAME}."""
    text = command.get_raw_value() if isinstance(command, StringCommand) else command
    return QuoteString(text.replace("$", "$$"))


def command(name: str, script: str | StringCommand, lines: int = 15) -> StringCommand:
    """Run `script` in the transient unit openpai-deploy-NAME and wait for it; on failure show its last `lines` lines.

    The unit is root's and has no standard input; what it says goes to /var/log/openpai-deploy/NAME.log, 0600.
    """
    log = f"{LOGS}/{name}.log"
    if ctx_host.isset():
        notes(ctx_host.get()).log = log
    inner = StringCommand(f"umask 077; exec >{log} 2>&1; export PATH={PATH};", script)
    return StringCommand(
        f"install -d -m 700 {LOGS} && systemctl reset-failed {PREFIX}{name}.service 2>/dev/null; "
        f"systemd-run --quiet --collect --wait --unit={PREFIX}{name} --property=RuntimeMaxSec={TIME_LIMIT} "
        "sh -c",
        literal(inner),
        f"|| {{ rc=$?; grep -v '^$' {log} | tail -n {lines} >&2; echo 'the whole log: {log}' >&2; exit $rc; }}",
    )


def wait(name: str) -> StringCommand:
    """Wait for the unit of an earlier run to end, however it ends."""
    unit = f"{PREFIX}{name}.service"
    return until(f"! systemctl is-active -q {unit}", TIME_LIMIT, f"echo '{unit}, of an earlier run, does not end'")


def log(name: str) -> str:
    """Where the unit's output is."""
    return f"{LOGS}/{name}.log"


def status_file(name: str) -> str:
    """Where a unit of started() leaves its exit status; in /run, as it speaks of this boot."""
    return f"{STATUS}/{name}.status"


def started(name: str, script: StringCommand, user: str | None = None) -> StringCommand:
    """Start `script` in the transient unit openpai-deploy-NAME and leave it at work, as `user` where one is named.

    The unit has a /tmp of its own and a folder, $OWN (0700), which both end with it, however it ends.
    """
    said, status, own = log(name), status_file(name), f"/run/{PREFIX}{name}"
    run = script.get_raw_value()
    if user:
        run = f"chown {shlex.quote(user)} $OWN && runuser -u {shlex.quote(user)} -- {run}"
    inner = (
        f"umask 077; exec >{said} 2>&1; export PATH={PATH} OWN={own}; {run}; rc=$?; "
        f"echo $rc >{status}.new && mv -f {status}.new {status}; exit $rc"
    )
    return StringCommand(
        f"install -d -m 700 {LOGS} && install -d -m 755 {STATUS} && rm -f {status} && "
        f"systemctl reset-failed {PREFIX}{name}.service 2>/dev/null; "
        f"systemd-run --quiet --collect --unit={PREFIX}{name} --property=RuntimeMaxSec={TIME_LIMIT} "
        f"--property=PrivateTmp=yes --property=RuntimeDirectory={PREFIX}{name} --property=RuntimeDirectoryMode=0700 "
        "sh -c",
        literal(inner),
    )
