"""Running the project's own commands against a lab, as an operator would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.api import Lab
from lab.settings import PREFIX
from lab.wait import wait_until

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PYINFRA_PROGRESS": "off", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Run:
    """A finished pyinfra run: exit status and everything it printed."""

    status: int
    output: str

    def column(self, number: int) -> int:
        """A figure of the results table's last line: 1 success, 2 error, 3 no change."""
        line = re.search(r"^\s+Grand total\s+(.*)$", self.output, re.M)
        assert line, self.output
        return int(line.group(1).split()[number].replace("-", "0"))

    @property
    def changed(self) -> int:
        """How many operations changed a host."""
        return self.column(1)

    def changes(self) -> list[str]:
        """Names of the operations that changed a host (of a real run) or would (of a dry run)."""
        table = self.output.split("--> Detected changes:" if "--> Results:" not in self.output else "--> Results:")[1]
        rows = re.findall(r"^    (\S.*?)\s{3,}(\S+)(?:\s+(\S+))?", table, re.M)
        position = 1 if "--> Results:" not in self.output else 2
        return [row[0] for row in rows if row[position][:1].isdigit() and not row[0].startswith("Grand total")]

    def lines(self, host: str) -> list[str]:
        """What was said of one host."""
        return [line.strip() for line in self.output.splitlines() if line.strip().startswith(f"[{host}]")]


@contextmanager
def new_lab(name: str, **wanted: Any) -> Iterator[Lab]:
    """A new lab with what Lab.up takes, taken down after it.

    Its name is `name`, of 6 characters at most, after OPENPAI_LAB_PREFIX: two runs of these tests go side by side
    with two prefixes.
    """
    lab = Lab(PREFIX + name)
    lab.down()
    try:
        lab.up(**wanted)
        yield lab
    finally:
        lab.down()


def command(lab: Lab, *arguments: str, file: str = "deploy.py") -> list[str]:
    """The pyinfra command line over the lab's inventory."""
    return [str(BIN / "pyinfra"), str(lab.inventory), file, *arguments]


def pyinfra(lab: Lab, *arguments: str, file: str = "deploy.py", timeout: int = 900) -> Run:
    """Run pyinfra to its end."""
    done = subprocess.run(
        command(lab, *arguments, file=file), cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
    )  # fmt: skip
    return Run(done.returncode, done.stdout)


def deploy(lab: Lab, *arguments: str, timeout: int = 900) -> Run:
    """Converge the lab without questions."""
    return pyinfra(lab, "-y", *arguments, timeout=timeout)


def converged(lab: Lab, *arguments: str) -> Run:
    """Converge the lab; anything but success is a failure of the test, with all that was printed."""
    run = deploy(lab, *arguments)
    assert run.status == 0, run.output
    return run


def killed_when(
    lab: Lab, reached: Callable[[], Any], *arguments: str, timeout: int = 600, file: str = "deploy.py"
) -> str:
    """Start a deploy and SIGKILL it as soon as `reached()` is true; gives what it had printed."""
    log = lab.folder / "killed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(lab, "-y", *arguments, file=file), cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_until(lambda: reached() or process.poll() is not None, timeout, step=0.02)
            assert process.poll() is None, f"the run ended before it could be killed:\n{log.read_text()}"
            process.send_signal(signal.SIGKILL)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return log.read_text()


def printed(lab: Lab, text: str) -> Callable[[], bool]:
    """A condition for killed_when: the run has printed `text`."""
    return lambda: text in (lab.folder / "killed.log").read_text(errors="replace")


def configure(lab: Lab, **keys: Any) -> None:
    """Set keys of the cluster's config (None removes one), as an operator editing the file would."""
    path = lab.folder / "config.yaml"
    content = yaml.safe_load(path.read_text())
    content.update(keys)
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))


def out(lab: Lab, host: str, shell: str) -> str:
    """Standard output of a command run as root inside a host; a failing command fails the test."""
    done = lab.run(host, shell)
    assert done.returncode == 0, f"{host}: {shell}: {done.stderr}"
    return done.stdout.strip()
