"""Hundreds of hosts without changes: what a run costs this side, and whether its time grows faster than the hosts.

    python -m bench.fleet [--hosts N]... [--rounds N] [--before COMMIT] [--before-up-to N]

Records what one lab host of each role says in a run of the host layer that changes nothing. Then so many sshds, each
with its own address and name in a network namespace of this machine, say it again, in the place of the shell that
runs a command: connections, logins, sudo and all that travels are real, what a host says is not found out anew. So this
side's processor time and memory are those of real hosts; the wall clock has all hosts' sshd and sudo on this machine's
processors, and the floor, which has the same, is the measure for it.
Writes docs/measured/fleet.json, the plot beside it and the table in docs/performance.md.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import earlier, floor
from bench.fleet import recording
from bench.fleet.hosts import Fleet, Recorded, fleet, recorded
from bench.results import Results, Row
from bench.running import Cost, in_turn, timed
from lab import commands
from lab.api import Lab
from lab.settings import PREFIX, PROJECT
from lab.shell import LabError
from tasks.reach.foresight import FOLDER

# Minutes: making the recording, and for each hundred hosts and round.
RECORDING, HUNDRED = 3, 2


def record(lab: Lab, checkout: Path, keys: Path, files: tuple[str, ...]) -> Recorded:
    """Converge the lab by the code in `checkout`, then note what its hosts say to `files` when nothing changes.

    Nothing is known of them then, so that they say all first one by one, as a fleet's first run asks it.
    """

    def run(file: str, options: tuple[str, ...]) -> None:
        timed([*commands.pyinfra(lab, *options, file=file)], checkout, earlier.settings(checkout))

    run("deploy.py", ("-y",))
    shutil.rmtree(lab.folder / FOLDER, ignore_errors=True)
    recording.start(lab)
    for file in files:
        run(file, ("-y",) if file == "deploy.py" else ())
    recording.stop(lab)
    return recorded(lab, keys)


def deployed(ours: Fleet, checkout: Path, *options: str, file: str = "deploy.py") -> Cost:
    """Run pyinfra over the fleet by the code in `checkout`; LabError where something would change."""
    argv = [*ours.entered, *commands.pyinfra_over(ours.inventory, *options, file=file)]
    cost, said = timed(argv, checkout, earlier.settings(checkout))
    if "-y" in options and (run := commands.Run(0, said)).changed:
        raise LabError(f"a run over the fleet changed something: {', '.join(run.changes())}\n{said[:3000]}")
    return cost


def cases(now: Fleet, before: Fleet | None, checkout: Path) -> dict[str, dict[str, Callable[[], Cost]]]:
    """Each case's sides; the floor asks what the last run of this code asked."""

    def both(*options: str, file: str = "deploy.py") -> dict[str, Callable[[], Cost]]:
        sides = {"now": lambda: deployed(now, PROJECT, *options, file=file)}
        if before:
            sides["before"] = lambda: deployed(before, checkout, *options, file=file)
        return sides

    argv = [*now.entered, *floor.argv(now.cluster.folder, now.names)]
    return {
        "run without changes": {**both("-y"), "floor": lambda: timed(argv)[0]},
        "dry run": both("--dry"),
        "preflight": both(file="tasks.preflight.check"),
    }


@click.command()
@click.option("--hosts", multiple=True, type=int, default=(25, 100, 400), show_default=True, help="From 3 on.")
@click.option("--rounds", default=2, show_default=True, help="Times that each side runs.")
@click.option("--before", default=earlier.BEFORE, show_default=True, help="The commit to compare with.")
@click.option(
    "--before-up-to", default=100, show_default=True, help="The most hosts for the commit before; it takes long."
)
def main(hosts: tuple[int, ...], rounds: int, before: str, before_up_to: int) -> None:
    """Measure; write the figures, the table and the plot."""
    about = RECORDING + HUNDRED * rounds * sum(hosts) / 100
    click.echo(f"about {about:.0f} minutes on two processors that have nothing else to do")
    results = Results("fleet", {"before": before})
    files = ("deploy.py", "deploy.py", "tasks.preflight.check")
    with ExitStack() as stack:
        checkout = stack.enter_context(earlier.checkout(before))
        keys = Path(stack.enter_context(TemporaryDirectory(prefix="openpai-fleet-keys-")))
        lab = Lab(f"{PREFIX}fleet", click.echo)
        lab.down()
        try:
            lab.up(workers=1)
            earlier.readable(lab.inventory)
            ours = record(lab, PROJECT, keys / "now", files)
            theirs = record(lab, checkout, keys / "before", files) if min(hosts) <= before_up_to else None
        finally:
            lab.down()
        for number in sorted(hosts):
            with ExitStack() as fleets:
                now = fleets.enter_context(fleet(ours, number - 2))
                compared = theirs if number <= before_up_to else None
                old = fleets.enter_context(fleet(compared, number - 2)) if compared else None
                for case, sides in cases(now, old, checkout).items():
                    click.echo(f"{number} hosts, {case}")
                    results.rows.append(Row(case, number, in_turn(sides, rounds, click.echo)))
    results.write()
    click.echo(results.table())


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
