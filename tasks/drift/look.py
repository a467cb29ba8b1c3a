"""One dry run and its report in the cluster folder."""

import fcntl
import os
import subprocess
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from cluster.files import write_atomically
from tasks.drift.report import changes_in, report
from tasks.reach import LOCK

REPORTS, KEPT = "drift", 30


def reports(folder: Path) -> list[Path]:
    """The reports of a cluster folder, the newest last."""
    return sorted((folder / REPORTS).glob("*.txt"))


def look(folder: Path, command: list[str]) -> int:
    """Run `command`, a dry run, and keep its report among the last ones; its exit status, 0 with drift as without.

    Where a run is at work on the cluster there is nothing to learn, and no report.
    """
    if _at_work(folder / LOCK):
        print("a run is at work on this cluster: no dry run now")
        return 0
    now = datetime.now(timezone.utc)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    before = [changes_in(path.read_text(errors="replace")) for path in reports(folder)[-1:]]
    plan, said = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    text = report(f"{now:%F %T} UTC", done.returncode, plan, said, *before)
    (folder / REPORTS).mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / REPORTS / f"{now:%Y%m%dT%H%M%SZ}.txt", text)
    for old in reports(folder)[:-KEPT]:
        old.unlink()
    print(text.partition("\n")[0])
    return done.returncode


def _at_work(lock: Path) -> bool:
    with suppress(FileNotFoundError):
        handle = os.open(lock, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False
