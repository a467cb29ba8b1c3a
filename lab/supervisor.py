"""The process that keeps one host: mounts its disk, boots it, wires it at each boot, boots it again on reboot.

Run as `unshare --mount python -m lab.supervisor LAB HOST`: the disk is mounted in its own mount namespace, so that the
mount ends with the host, however that ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from lab import cgroups, gpu, hosts, network, process
from lab import state as states
from lab.kubernetes import host as kubelet
from lab.shell import LabError, run
from lab.state import LabHost, LabState

REBOOT = 133
"""What systemd-nspawn exits with when the host asked for a reboot."""
BOOT_TIMEOUT = 90


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
        groups = cgroups.renew(lab.name, host.name)
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
        if status != REBOOT:
            return status


def _wire(lab: LabState, host: LabHost, nspawn: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + BOOT_TIMEOUT
    while (leader := hosts.leader(lab, host)) is None:
        if nspawn.poll() is not None:
            return
        if time.monotonic() > deadline:
            raise LabError(f"{host.name} did not start within {BOOT_TIMEOUT} s")
        time.sleep(0.02)
    try:
        network.plug(lab, host.address, leader)
        _make_cgroups_writable(leader)
        kubelet.on_boot(leader)
        gpu.on_boot(leader, lab.host_directory(host.name))
    except (LabError, OSError):
        if Path(f"/proc/{leader}").exists():
            raise
        # The host ended while it was wired; its exit status says whether it boots again.


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
