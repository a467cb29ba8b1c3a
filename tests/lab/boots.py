"""Reboots of lab hosts, for tests of what only a boot changes."""

from __future__ import annotations

from lab.api import Lab
from lab.shell import LabError
from lab.wait import wait_until
from tests.lab.harness import out

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def boot_id(lab: Lab, host: str) -> str:
    """The host's running boot; empty while it has none."""
    try:
        return lab.run(host, BOOT_ID).stdout.strip()
    except LabError:
        return ""


def booted_after(lab: Lab, host: str, boot: str) -> None:
    """Wait until the host has left `boot` and greets again."""
    wait_until(lambda: boot_id(lab, host) not in ("", boot), 120)
    lab.start(host)


def reboot(lab: Lab, host: str) -> None:
    """Reboot a host as somebody sitting at it would."""
    boot = boot_id(lab, host)
    out(lab, host, "systemctl --no-block reboot")
    booted_after(lab, host, boot)


def power_cycle(lab: Lab, host: str) -> None:
    """Pull the host's plug and put it in again."""
    lab.stop(host)
    lab.start(host)
