"""The lab's long-running processes. They carry their lab and part in the environment: the process table is the
only record of them, so nothing goes stale when one is killed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lab.settings import PROJECT
from lab.shell import run
from lab.wait import wait_until

LAB, PART = "OPENPAI_LAB", "OPENPAI_LAB_PART"
STAT_SIZE, STAT_ENVIRONMENT_START, STAT_ENVIRONMENT_END = 20, 47, 48
"""Where /proc/PID/stat has vsize, env_start and env_end, counted from what follows the name; see proc_pid_stat(5)."""
EXEC_TIMEOUT = 5
"""Seconds that an exec is waited for. It takes some 0.1 ms, and as long as its file where a disk does not answer."""
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
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(pid for pid in pids if wanted <= set(_memory(pid, "environ").split(b"\0")))


def command_line(pid: int) -> bytes:
    """The arguments of a process, each ended by NUL; empty when it has ended."""
    return _memory(pid, "cmdline")


def _memory(pid: int, name: str) -> bytes:
    """The `environ` or `cmdline` of a process; empty when it has ended, is the kernel's own, or has none.

    In the middle of an exec both are empty, until the new program is laid out. Such a process has not ended: it is
    asked again, until an empty answer lies between two looks at one and the same program.
    """
    deadline = time.monotonic() + EXEC_TIMEOUT
    seen = None
    try:
        while not (content := Path(f"/proc/{pid}/{name}").read_bytes()) and time.monotonic() < deadline:
            earlier, seen = seen, _program(pid)
            if seen is None or (seen and seen == earlier):
                break
            time.sleep(0.001)
    except OSError:
        return b""
    return content


def _program(pid: int) -> tuple[bytes, ...] | None:
    """What tells a process's program from that before its last exec: where its environment lies.

    Empty in the middle of an exec; None for a process without memory, which has ended or is the kernel's own.
    """
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    size, start, end = (fields[number] for number in (STAT_SIZE, STAT_ENVIRONMENT_START, STAT_ENVIRONMENT_END))
    if size == b"0":
        return None
    return (start, end) if end != b"0" else ()


def ended(pid: int) -> bool:
    """Whether nothing of a process runs any more: it is gone, or a zombie.

    An init becomes one when the last process of its host has ended; of a program with threads, the first may be one
    while others still hold its files and ports.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return words["State"][0] in "ZX" and words.get("Threads", "1") == "1"


def kill(lab: str, part: str | None = None, spare: int | None = None, timeout: float = 20) -> None:
    """End every process of a lab, or of one part, but for `spare`, and wait until all have ended."""
    seen: set[int] = set()

    def left() -> list[int]:
        # A dying init has lost its environment, by which it is found, before the processes of its host have ended.
        seen.update(pid for pid in find(lab, part) if pid != spare)
        alive = [pid for pid in sorted(seen) if not ended(pid)]
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return alive

    wait_until(lambda: not left(), timeout, lambda: f"processes of lab {lab} do not end: {left()}")
