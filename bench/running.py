"""What a command costs: seconds, processor time and peak memory of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.commands import SETTINGS
from lab.settings import PROJECT
from lab.shell import LabError

# Everything is measured at rest of this length before each run, so that nobody pays for another's end.
PAUSE = 2.0
TIMEOUT = 1800.0
"""Seconds that one run gets."""
TAIL = 4000
"""Characters of a failed command's output that are shown."""


@dataclass(frozen=True)
class Cost:
    """Of one run, with the processes that it has started: wall clock and processor in seconds, memory in MB.

    Memory is that of the largest single process: the kernel keeps no other.
    """

    seconds: float
    cpu: float
    memory: int


def timed(
    argv: Sequence[str | Path], folder: Path = PROJECT, settings: Mapping[str, str] = SETTINGS, timeout: float = TIMEOUT
) -> tuple[Cost, str]:
    """Run a command in `folder` with `settings` in its environment; its cost and what it printed.

    LabError with the end of its output where it fails or takes longer than `timeout` seconds.
    """
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=folder, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        limit = threading.Timer(timeout, process.kill)
        limit.start()
        _, status, used = os.wait4(process.pid, 0)
        limit.cancel()
        took = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode:
        raise LabError(f"{' '.join(map(str, argv[:4]))}: exit status {process.returncode}\n{said[-TAIL:]}")
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024), said


def in_turn(runs: Mapping[str, Callable[[], Cost]], rounds: int, say: Callable[[str], object]) -> dict[str, list[Cost]]:
    """Each of `runs` once untimed, then all of them one after another, `rounds` times: what changes hits all alike."""
    for run in runs.values():
        run()
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            costs[name].append(run())
            say(f"{name}: {costs[name][-1].seconds:.2f} s")
    return costs
