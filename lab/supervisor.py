"""The process that keeps one host: mounts its disk, boots it, wires it at each boot, boots it again on reboot.

Run as `unshare --mount python -m lab.supervisor LAB HOST`: the disk is mounted in its own mount namespace, so that the
mount ends with the host, however that ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from lab import cgroups, gpu, hosts, network, process
from lab import state as states
from lab.kubernetes import host as kubelet
from lab.shell import LabError, run
from lab.state import LabHost, LabState
from lab.wait import wait_until

REBOOT = 133
"""What systemd-nspawn exits with when the host asked for a reboot."""
BOOT_TIMEOUT = 90
"""Seconds until a host has an init; tenths are usual."""
END_TIMEOUT = 10
"""Seconds that systemd-nspawn gets to end after a host that ends."""


def start(lab: LabState, host: LabHost) -> None:
    """Start the supervisor of a host as a process of its own."""
    process.spawn(
        lab.name,
        hosts.part(host.name),
        ["unshare", "--mount", "--propagation", "slave", sys.executable, "-m", "lab.supervisor", lab.name, host.name],
        lab.host_directory(host.name) / "console.log",
    )


def running(lab: LabState, host: LabHost) -> bool:
    """Whether the host has its supervisor, without which it would not come back from a reboot."""
    return any(b"lab.supervisor" in process.command_line(pid) for pid in process.find(lab.name, hosts.part(host.name)))


def supervise(lab: LabState, host: LabHost) -> int:
    """Boot the host again and again for as long as it ends by rebooting; returns its last exit status."""
    root = hosts.mount(lab, host)
    hosts.personalise(lab, host, root)
    while True:
        print(f"lab: {host.name} is switched on", flush=True)
        groups = cgroups.renew(lab.name, host.name)
        network.wait_until_unplugged(hosts.machine(lab, host))
        with subprocess.Popen(
            hosts.nspawn_command(lab, host),
            env=hosts.environment(root),
            preexec_fn=partial(cgroups.enter, groups),
        ) as nspawn:
            try:
                _wire(lab, host, nspawn)
                status = nspawn.wait()
            except BaseException:
                process.kill(lab.name, hosts.part(host.name), spare=os.getpid())
                raise
        print(f"lab: {host.name} ended: systemd-nspawn's exit status is {status}", flush=True)
        if status != REBOOT:
            return status


def _wire(lab: LabState, host: LabHost, nspawn: subprocess.Popen[bytes]) -> None:
    wait_until(
        lambda: nspawn.poll() is not None or hosts.leader(lab, host), BOOT_TIMEOUT, f"{host.name} does not start", 0.02
    )
    leader = hosts.leader(lab, host)
    if leader is None:  # it has ended again, or is about to
        return
    try:
        network.plug(lab, host.address, leader)
        _make_cgroups_writable(leader)
        kubelet.on_boot(leader)
        gpu.on_boot(leader, lab.host_directory(host.name))
    except (LabError, OSError):
        # A host that ended while it was wired is no failure; its exit status says whether it boots again.
        with suppress(subprocess.TimeoutExpired):
            nspawn.wait(END_TIMEOUT)
        if nspawn.poll() is None:
            raise


def _make_cgroups_writable(leader: int) -> None:
    """On cgroup v1 nspawn mounts the controllers read-only, and Docker inside cannot make its groups."""
    fields = (line.split() for line in Path(f"/proc/{leader}/mounts").read_text().splitlines())
    for _, path, kind, options, *_ in fields:
        if (kind == "cgroup" or path == "/sys/fs/cgroup") and "ro" in options.split(","):
            run("nsenter", "--target", str(leader), "--mount", "mount", "-o", "remount,bind,rw", path)


def main() -> int:
    """Entry point: LAB and HOST are the arguments."""
    lab = states.need(sys.argv[1])
    try:
        return supervise(lab, lab.host(sys.argv[2]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
