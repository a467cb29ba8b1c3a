"""The lab's long-running processes. They carry their lab and part in the environment: the process table is the
only record of them, so nothing goes stale when one is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from lab.settings import PROJECT
from lab.shell import LabError, run

LAB, PART = "OPENPAI_LAB", "OPENPAI_LAB_PART"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def marks(lab: str, part: str) -> dict[str, str]:
    """The environment variables that make a process `part` of `lab`."""
    return {LAB: lab, PART: part}


def spawn(lab: str, part: str, argv: list[str], log: Path) -> None:
    """Start `argv` as `part` of `lab`, in its own session and orphaned, so that it outlives the caller."""
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {"PATH": PATH, "PYTHONPATH": str(PROJECT), **marks(lab, part)}
    # The descriptor of the log must not be a pipe of ours: run() would wait for it to close.
    run("setsid", "--fork", "sh", "-c", 'log=$1; shift; exec "$@" </dev/null >>"$log" 2>&1', "sh", log, *argv, env=env)


def find(lab: str, part: str | None = None) -> list[int]:
    """Process ids of a lab, or of one part of it, oldest first."""
    marked = marks(lab, part) if part else {LAB: lab}
    wanted = {f"{key}={value}".encode() for key, value in marked.items()}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile, or is a kernel thread
        if wanted <= set(environment.split(b"\0")):
            found.append(int(entry.name))
    return sorted(found)


def command_line(pid: int) -> bytes:
    """The arguments of a process, each ended by NUL; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie: an init becomes one when the last process of its host has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return "\nState:\tZ" in status or "\nState:\tX" in status


def kill(lab: str, part: str | None = None, spare: int | None = None, timeout: float = 20) -> None:
    """End every process of a lab, or of one part, but for `spare`, and wait until all are gone."""
    deadline = time.monotonic() + timeout
    seen: set[int] = set()
    # A dying init has lost its environment, by which it is found, before the processes of its host have ended.
    while pids := [pid for pid in {*find(lab, part), *seen} if pid != spare and not _ended(pid)]:
        seen.update(pids)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise LabError(f"processes of lab {lab} do not end: {pids}")
        time.sleep(0.05)
