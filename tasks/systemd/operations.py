"""Services that run with their present files, and reboots that a host's state calls for.

pyinfra's systemd.service restarts when told that a file changed in this run; a run killed in between never tells the
next one. Its server.reboot reboots whenever it is called, believes /proc/uptime (another kernel's in a container),
knows neither batches nor containers, and ends with a traceback that names no host.
"""

import time
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

import gevent
from gevent.lock import BoundedSemaphore
from paramiko import SSHException
from pyinfra import host
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand, operation

from cluster import Problem
from tasks.progress import REBOOT, foresee
from tasks.reach import Commands, complain, config_of, disruption_allowed, has_turn, may_disturb, planning, stop
from tasks.systemd.at_work import beyond_pods, in_words
from tasks.systemd.facts import BOOT_ID, Boot, LosingGpus, ServiceState

# Leaves the SSH session before the machine goes down, so that the command itself ends well.
_REBOOT = StringCommand("(sleep 1; systemctl reboot) </dev/null >/dev/null 2>&1 &")
_READ_BOOT_ID = StringCommand("cat", BOOT_ID)
# sshd answers before the boot has ended; what follows must not meet units that are still starting.
_BOOT_ENDED = StringCommand("timeout 120 systemctl is-system-running --wait")
# Seconds between attempts to reach a host that reboots.
_INTERVAL = 2


class _Batch:
    """Room for the occupied hosts of one run that are down at the same time, and the first that stayed down."""

    def __init__(self, size: int):
        self.room = BoundedSemaphore(size)
        self.lost: str | None = None


_batches: WeakKeyDictionary[State, _Batch] = WeakKeyDictionary()
ALLOW_REBOOT = "stop them, or allow the reboot with --data allow_disruption=yes"


@operation()
def reboot_for(cause: Callable[[], str | None]) -> Commands:
    """Reboot the host if `cause` gives a reason, and see to it that the reason is gone afterwards.

    Hosts where nothing is at work, or whose turn it is, reboot all at once; of the others, which need allow_disruption,
    reboot_batch at a time, and none after one that did not come back within reboot_timeout. The machine that this
    program runs on is never rebooted.
    """
    why = cause()
    if why is None:
        return
    boot = host.get_fact(Boot)
    if boot.boot_id == Path(BOOT_ID).read_text().strip():
        yield stop(
            f"{why}, but this is the machine that pyinfra runs on; reboot it yourself, then run again",
            cause="reboot-here",
        )
        return
    at_work = beyond_pods(boot.at_work) if has_turn(host) else boot.at_work
    if at_work and not disruption_allowed(host):
        yield stop(Problem(f"{why}, but {in_words(at_work)} on the host", ALLOW_REBOOT, cause="reboot-at-work"))
        return
    if planning():
        foresee(host, REBOOT)
    config = config_of(host)
    batch = config.reboot_batch if at_work else None
    yield FunctionCommand(_reboot, (why, boot.boot_id, batch, config.reboot_timeout), {})
    remaining = cause()
    if remaining is not None:
        yield stop(f"after the reboot still: {remaining}", cause="reboot-fruitless")


def _reboot(state: State, host: Host, why: str, boot_id: str, batch: int | None, patience: int) -> bool:
    shared = _Batch(1) if batch is None else _batches.setdefault(state, _Batch(batch))
    with shared.room:
        if shared.lost is not None:
            said = f"not rebooted ({why}), because {shared.lost} did not come back from its own reboot"
            return complain(state, host, said, cause="reboot-halted")
        if not _reboot_and_wait(state, host, why, boot_id, patience):
            shared.lost = host.name
            return False
        return True


def _reboot_and_wait(state: State, host: Host, why: str, boot_id: str, patience: float) -> bool:
    host.log(f"rebooting: {why}")
    started = time.monotonic()
    if _run(host, _REBOOT) is None:
        return complain(state, host, f"could not be told to reboot ({why})", cause="reboot-failed")
    seen = False
    while time.monotonic() - started < patience:
        gevent.sleep(_INTERVAL)
        current = _current_boot(host)
        if current not in (None, boot_id):
            _run(host, _BOOT_ENDED)
            host.log(f"rebooted in {time.monotonic() - started:.0f} s")
            return True
        seen = current is not None
    what = "was told to reboot but is still up as before" if seen else "did not come back from its reboot"
    return complain(
        state,
        host,
        f"{host.name} {what} after {patience} s ({why}); look at its console, then run again",
        cause="reboot-failed",
    )


def _current_boot(host: Host) -> str | None:
    """The boot id over a fresh connection; None while the host does not answer."""
    host.disconnect()
    host.connect(show_errors=False)
    return _run(host, _READ_BOOT_ID) if host.connected else None


def _run(host: Host, command: StringCommand) -> str | None:
    """What `command`, run as root, says; None when it fails or the connection is lost."""
    try:
        done, output = host.run_shell_command(command, _sudo=True, _timeout=150)
    except (OSError, EOFError, SSHException):
        return None
    return output.stdout.strip() if done else None


def reread() -> Commands:
    """Comes before systemd reads its units anew: stops the host where that takes their GPUs from running containers."""
    losing = host.get_fact(LosingGpus)
    if losing and not may_disturb(host):
        them = f"{len(losing)} containers ({', '.join(losing[:5])})"
        found = f"systemd must read its units anew, by which {them} lose their GPUs"
        yield stop(Problem(found, "stop them, or allow it with --data allow_disruption=yes", cause="gpu-containers"))


def systemctl(*words: str) -> Commands:
    """systemctl with `words` after which systemd reads its units anew: daemon-reload, enable, disable, mask."""
    yield from reread()
    yield StringCommand("systemctl", *map(QuoteString, words))


@operation()
def scheduled(timer: str, service: str, files: list[str]) -> Commands:
    """Enable and start `timer`, which starts `service`; restart it if one of `files` changed after it started."""
    states = [host.get_fact(ServiceState, unit=unit, files=files) for unit in (timer, service)]
    if any(state.outdated for state in states):
        yield from systemctl("daemon-reload")
    if not states[0].enabled:
        yield from systemctl("enable", timer)
    if not states[0].active or states[0].stale:
        yield StringCommand("systemctl restart", QuoteString(timer))


@operation()
def unscheduled(timer: str, files: list[str]) -> Commands:
    """End `timer` and remove `files`, its units among them; nothing where none of them is there."""
    state = host.get_fact(ServiceState, unit=timer, files=files)
    if state.enabled or state.active:
        yield from systemctl("disable", "--now", timer)
    if state.changed:
        yield StringCommand("rm -f --", *map(QuoteString, files))


@operation()
def fresh(unit: str, files: list[str], start: bool = True) -> Commands:
    """Enable and, where it is to `start`, start `unit`; restart it if one of `files` changed after it started."""
    service = host.get_fact(ServiceState, unit=unit, files=files)
    if service.outdated:
        yield from systemctl("daemon-reload")
    if not service.enabled:
        yield from systemctl("enable", unit)
    if start and (not service.active or service.stale):
        yield StringCommand("systemctl restart", QuoteString(unit))
