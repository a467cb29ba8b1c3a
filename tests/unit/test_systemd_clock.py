"""The moment from which the start of a service is reckoned."""

import os
import subprocess
import time
from pathlib import Path

from tasks.systemd import CLOCK


def test_a_shell_that_had_to_wait_between_its_two_questions_asks_them_again(tmp_path: Path) -> None:
    """A start that is reckoned too early lies before the last change of the service's files: it would be restarted."""
    slow = tmp_path / "date"
    slow.write_text(f'#!/bin/sh\n/bin/date "$@"\n[ -e {tmp_path}/asked ] || {{ : >{tmp_path}/asked; sleep 2; }}\n')
    slow.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    said = subprocess.run(["sh", "-c", CLOCK], capture_output=True, text=True, check=True, env={"PATH": path}).stdout
    now, uptime = map(float, said.split())
    here = time.time() - float(Path("/proc/uptime").read_text().split()[0])
    assert (tmp_path / "asked").exists() and abs((now - uptime) - here) < 1
