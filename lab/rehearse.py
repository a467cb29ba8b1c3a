"""The whole job on this machine: bare lab hosts to a verified cluster, with the time of each stage on screen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from cluster.data import IN_CHECKOUT
from lab import commands, fetched, kubernetes
from lab.api import Lab
from lab.commands import Run
from lab.settings import PROJECT, STATE
from lab.shell import LabError

# Lines kept for the screen when a stage fails.
TAIL = 40


@dataclass
class Rehearsal:
    """Stages run one after another; `times` are seconds by title."""

    lab: Lab
    logs: Path
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, title: str) -> Iterator[Path]:
        """Announce a stage, time it, and give it a log file."""
        click.secho(f"== {title}", bold=True)
        start = time.monotonic()
        yield self.logs / f"{len(self.times) + 1}.log"
        self.times[title] = time.monotonic() - start
        click.echo(f"   {self.times[title]:.0f} s")

    def command(self, title: str, argv: list[str]) -> None:
        """A stage that is one command, whose output goes to a log."""
        with self.stage(title) as log, log.open("w") as record:
            run = commands.run(argv, record.write)
            if run.status:
                click.echo("\n".join(run.output.splitlines()[-TAIL:]))
                raise LabError(f"{title}: exit status {run.status}; the whole output is in {log}")

    def deploy(self, title: str, file: str = "deploy.py", check: Callable[[Run], str | None] = lambda _: None) -> Run:
        """A stage that is a run of pyinfra, on this screen; `check` reads its log and may object with a sentence."""
        with self.stage(title):
            status = commands.shown(commands.pyinfra(self.lab, "-y", file=file, output=""))
            run = commands.logged(self.lab, status)
            objection = f"exit status {status}" if status else check(run)
            if objection:
                raise LabError(
                    f"{title}: {objection}; see above, and {PROJECT / 'reports' / self.lab.name / 'run.log'}"
                )
            return run

    def summary(self) -> None:
        """The stages and their times as a table."""
        width = max(map(len, self.times))
        for title, seconds in self.times.items():
            click.echo(f"{title.ljust(width)}  {seconds:5.0f} s")
        click.echo(f"{'all'.ljust(width)}  {sum(self.times.values()):5.0f} s")


def rehearse(name: str, workers: int) -> None:
    """Make the lab `name` anew, deploy, deploy again (nothing may change), run a job, verify; the lab stays up."""
    if not IN_CHECKOUT:
        raise LabError(
            "a rehearsal is of the project's deploy.py and tests: start it in a checkout, by `make rehearse`"
        )
    lab = Lab(name, lambda line: click.echo(f"   {line}"))
    logs = STATE.parent / "openpai-lab-logs" / name
    logs.mkdir(parents=True, exist_ok=True)
    rehearsal = Rehearsal(lab, logs)
    with _background([sys.executable, "-m", "lab", "kubernetes", "build"], logs / "kubernetes.log") as build:
        with rehearsal.stage(f"a lab of 1 dev box, 1 master and {workers} workers"):
            lab.down()
            lab.up(workers=workers, gpu="openpai", with_fetched=True)
        built = kubernetes.ready()
        if not built:  # there is time for it, and a run less where there is none to fill
            rehearsal.deploy("hosts: SSH trust, time, Docker, GPU driver and runtime")
        with rehearsal.stage("Kubernetes from source, built since the beginning (nothing to do once cached)"):
            if build.wait():
                raise LabError(f"the build of Kubernetes failed; see {logs / 'kubernetes.log'}")
            lab.up(workers=workers, openpai=True)
    rehearsal.deploy("hosts, Kubernetes and OpenPAI" if built else "Kubernetes and OpenPAI")
    again = rehearsal.deploy("the same again: nothing may change", check=_nothing_changed)
    job = rehearsal.deploy("OpenPAI's first job", file="tasks.openpai.first_job")
    reports = PROJECT / "reports" / name
    rehearsal.command("verification", commands.verification(lab, "--report-dir", str(reports)))
    fetched.keep(lab.state)
    rehearsal.summary()
    click.echo(f"report: {os.path.relpath(reports / 'verify.html')}; the lab stays up (python -m lab status | down)")
    click.echo("\n".join(["", *again.said("How to get in"), "", *job.said("The first job")]))


def _nothing_changed(run: Run) -> str | None:
    return "a second run changed something" if run.changed else None


@contextmanager
def _background(argv: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs beside the stages, and ends with them."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
