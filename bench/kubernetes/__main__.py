"""Kubernetes on a lab of one master and two workers: its installation, and the whole stack without changes.

    python -m bench.kubernetes [--rounds N] [--openpai] [--before COMMIT]

Seconds from hosts with Docker ready to a pod that sees its GPU, with the slowest operations; then runs that change
nothing, by this code and the floor in turn, and by an earlier code, each of the cluster that it has made: neither takes
the other's as its own. Needs the lab's Kubernetes built; the images come from the lab's own registry. Writes
docs/measured/kubernetes.json, the plot beside it and the table in docs/performance.md.
"""

from __future__ import annotations

import re
import sys
import time

import click

from bench import earlier
from bench.results import NOW, Results, Row
from bench.running import in_turn
from bench.sides import Sides
from lab import commands
from lab.api import Lab
from lab.settings import PREFIX
from lab.shell import LabError

BEFORE = {
    "tasks.ssh.establish_trust": "*",
    "tasks.apt.go_through_proxy": "*",
    "tasks.time.synchronise": "master",
    "tasks.docker.install": "*",
    "tasks.gpu.install_driver": "worker",
    "tasks.gpu.install_runtime": "worker",
}
"""The stages of deploy.py before Kubernetes, and the group of hosts that each is for."""
MINUTES = 10
"""Of both installations, with OpenPAI four more; each round takes about one."""


def timed(argv: list[str]) -> tuple[float, list[tuple[float, str]]]:
    """Run a command; its seconds, and those of each pyinfra operation that it announced."""
    start = last = time.monotonic()
    operation, operations = "start", []

    def heard(line: str) -> None:
        nonlocal operation, last
        if match := re.match(r"--> (Starting operation: (?P<name>.*)|Results)", line):
            now = time.monotonic()
            operations.append((now - last, operation))
            operation, last = (match["name"] or "end").strip(), now

    run = commands.run(argv, heard)
    if run.status:
        raise LabError(run.output)
    return time.monotonic() - start, operations


def install(lab: Lab) -> dict[str, str]:
    """Bring the lab up to a pod that sees its GPU; the seconds of both stages, and the slowest operations on screen."""
    for stage, group in BEFORE.items():
        timed(commands.pyinfra(lab, "-y", "--limit", group, file=stage))
    installing, operations = timed(commands.pyinfra(lab, "-y", file="tasks.kubernetes.install"))
    suite = "tests/hosts/test_kubernetes.py"
    pod, _ = timed(commands.verification(lab, "-k", "test_pod_sees_one_gpu", suite=suite))
    for seconds, name in sorted(operations, reverse=True)[:8]:
        click.echo(f"{seconds:6.1f} s  {name}")
    return {"installed_s": f"{installing:.1f}", "gpu_pod_s": f"{pod:.1f}"}


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Times that each side runs.")
@click.option("--openpai", is_flag=True, help="With OpenPAI's services.")
@click.option("--before", default=earlier.BEFORE, show_default=True, help="The commit to compare with.")
def main(rounds: int, openpai: bool, before: str) -> None:
    """Measure on a fresh lab; write the figures, the table and the plot."""
    click.echo(f"about {MINUTES + 4 * openpai + rounds:.0f} minutes on two processors that have nothing else to do")
    lab = Lab(f"{PREFIX}bench", click.echo)
    lab.down()
    try:
        lab.up(workers=2, kubernetes=True)
        installed = install(lab)
        lab.up(openpai=openpai)
        with earlier.checkout(before) as folder:
            sides = Sides(lab, folder)
            sides.deploy("-y", changes=True)
            costs = in_turn({NOW: lambda: sides.deploy("-y"), "floor": sides.ask}, rounds, click.echo)
            lab.reset(*(host.name for host in lab.hosts))
            (lab.folder / "known_hosts").unlink()
            sides.deploy("-y", before=True, changes=True)
            costs |= in_turn({"before": lambda: sides.deploy("-y", before=True)}, rounds, click.echo)
    finally:
        lab.down()
    case = f"{'OpenPAI' if openpai else 'Kubernetes'}: run without changes"
    results = Results("kubernetes", {"before": before, **installed}, [Row(case, sides.hosts, costs)])
    results.write()
    click.echo(results.table())


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
