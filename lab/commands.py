"""The project's own commands over a lab, as an operator gives them: what the rehearsal, the tests and bench/ run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.api import Lab
from lab.settings import PROJECT
from lab.shell import LabError

BIN = Path(sys.executable).parent
SETTINGS = {"PYINFRA_PROGRESS": "off", "PYTHONUNBUFFERED": "1"}
TIMEOUT = 3600
"""Seconds that a command gets; a first deploy with Kubernetes takes some minutes."""


@dataclass(frozen=True)
class Run:
    """A finished command: exit status and everything it printed; the rest is about pyinfra's runs."""

    status: int
    output: str

    def column(self, number: int) -> int:
        """A figure of the results table's last line: 1 success, 2 error, 3 no change."""
        line = re.search(r"^\s+Grand total\s+(.*)$", self.output, re.M)
        if not line:
            raise LabError(f"the run printed no results:\n{self.output}")
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

    def said(self, operation: str) -> list[str]:
        """What an operation said of any host, without the host's name."""
        _, _, after = self.output.partition(f" | {operation}")
        lines = after.partition("\n\n")[0].splitlines()[1:]
        said = [found[1] for line in lines if (found := re.fullmatch(r"\s+\[\S+\](.*)", line))]
        outcomes = ("Skipped", "Success", "No changes")
        return textwrap.dedent("\n".join(line for line in said if line.strip() not in outcomes)).splitlines()

    def lines(self, host: str) -> list[str]:
        """What was said of one host."""
        return [line.strip() for line in self.output.splitlines() if line.strip().startswith(f"[{host}]")]


def pyinfra(lab: Lab, *arguments: str, file: str = "deploy.py", output: str = "raw") -> list[str]:
    """The command line of pyinfra over the lab's inventory, as pyinfra_over() has it."""
    return pyinfra_over(lab.inventory, *arguments, file=file, output=output)


def pyinfra_over(inventory: Path, *arguments: str, file: str = "deploy.py", output: str = "raw") -> list[str]:
    """The command line of pyinfra over an inventory file; `file` is a deploy or the name of one function.

    Its `output` is pyinfra's own, which Run takes apart; "" leaves it to the project: a screen for people.
    """
    kind = ["--data", f"output={output}"] if output else []
    return [str(BIN / "pyinfra"), str(inventory), file, *kind, *arguments]


def verification(lab: Lab, *arguments: str, suite: str = "tests/hosts") -> list[str]:
    """The command line of the finished hosts' suite, or of one module of it."""
    return [sys.executable, "-m", "pytest", "-q", suite, "--inventory", str(lab.inventory), *arguments]


def shown(argv: Sequence[str | Path]) -> int:
    """Run a command on our own screen to its end, without a terminal to ask at; its exit status."""
    return subprocess.run(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode


def logged(lab: Lab, status: int) -> Run:
    """The run that ended with `status`, as its log has it: what it printed on a screen for people is another thing."""
    path = PROJECT / "reports" / lab.folder.name / "run.log"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return Run(status, "\n".join(line[len("00:00:00 ") :] for line in lines))


def start(
    argv: Sequence[str | Path], output: int | IO[str] = subprocess.PIPE, settings: Mapping[str, str] = SETTINGS
) -> subprocess.Popen[str]:
    """Start a command in the project's folder with `settings` added to the environment, and no terminal to ask at.

    What it prints, errors too, goes to `output`.
    """
    return subprocess.Popen(
        argv, cwd=PROJECT, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip


def run(
    argv: Sequence[str | Path],
    heard: Callable[[str], object] = lambda _: None,
    timeout: float = TIMEOUT,
    settings: Mapping[str, str] = SETTINGS,
) -> Run:
    """Run a command to its end; `heard` gets each line when it is printed. LabError after `timeout` seconds."""
    said = []
    expired = threading.Event()
    with start(argv, settings=settings) as process:

        def expire() -> None:
            expired.set()
            process.kill()

        limit = threading.Timer(timeout, expire)
        limit.start()
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            heard(line)
        status = process.wait()
        limit.cancel()
    if expired.is_set():
        raise LabError(f"`{' '.join(map(str, argv[:4]))}` did not end within {timeout:.0f} s:\n{''.join(said)}")
    return Run(status, "".join(said))
