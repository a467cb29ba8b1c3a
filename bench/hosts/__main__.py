"""The host layer on lab hosts, in four ways and in turn: this code, an earlier one, Ansible, and the floor.

    python -m bench.hosts [--hosts N]... [--rounds N] [--first] [--before COMMIT]

Makes a lab of its own and lets it grow. Cases: a run that changes nothing, a dry run, preflight, the verification; with
--first also the first run, on new disks. Writes docs/measured/hosts.json, the plot beside it and the table in
docs/performance.md. Takes the machine alone: with other work on it, only the ratios mean something.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from bench import ansible, earlier
from bench.results import Results, Row
from bench.running import Cost, in_turn
from bench.sides import Sides
from lab.api import Lab
from lab.settings import PREFIX, USER
from lab.shell import LabError

PLAYBOOK = Path(__file__).with_name("playbook.yml")
PREFLIGHT = Path(ansible.__file__).parent / "preflight/playbook.yml"
# Minutes that each host takes with three rounds, on two processors; the first run half as many again.
MINUTES = 1.0
# Hosts that get new disks for the first run.
MOST_ANEW = 10

HOME = f"/home/{USER}/.ssh"
FILES = {
    "dev_box": [f"{HOME}/known_hosts"],
    "master": [],
    "worker": [
        "/etc/modprobe.d/openpai-nouveau.conf",
        "/etc/apt/apt.conf.d/52openpai-nvidia",
        "/etc/systemd/system/openpai-nvidia-persistence.service",
        "/etc/apt/keyrings/nvidia-container-toolkit.asc",
        "/etc/apt/sources.list.d/nvidia-container-toolkit.sources",
        "/etc/udev/rules.d/71-openpai-nvidia-dev-char.rules",
    ],
}
EVERYWHERE = [
    f"{HOME}/authorized_keys",
    "/etc/sudoers.d/90-openpai-deploy",
    "/etc/apt/apt.conf.d/90openpai-deploy-proxy",
    "/etc/ntpsec/ntp.conf",
]
WITH_DOCKER = [
    "/etc/apt/keyrings/docker.asc",
    "/etc/apt/sources.list.d/docker.sources",
    "/etc/systemd/system/docker.service.d/http-proxy.conf",
    "/etc/docker/daemon.json",
]
"""What the deploy writes, by role; the playbook copies the same."""


def cases(sides: Sides) -> dict[str, dict[str, Callable[[], Cost]]]:
    """Each case's sides."""
    return {
        "run without changes": {
            "now": lambda: sides.deploy("-y"),
            "Ansible": lambda: sides.play(PLAYBOOK),
            "floor": sides.ask,
            "before": sides.deploy_before,
        },
        "dry run": {
            "now": lambda: sides.deploy("--dry"),
            "before": lambda: sides.deploy("--dry", before=True),
            "Ansible": lambda: sides.play(PLAYBOOK, "--check"),
        },
        "preflight": {
            "now": lambda: sides.deploy(file="tasks.preflight.check"),
            "before": lambda: sides.deploy(file="tasks.preflight.check", before=True),
            "Ansible": lambda: sides.play(PREFLIGHT),
        },
        "verification": {"now": sides.verify, "before": lambda: sides.verify(before=True)},
    }


def converge(lab: Lab, sides: Sides) -> None:
    """Bring the hosts to where neither this code nor the playbook has anything to change."""
    sides.deploy("-y", changes=True)
    ansible.prepare(lab)
    converged = lab.folder / "converged"
    for host in lab.hosts:
        target = converged / host.role
        target.mkdir(parents=True, exist_ok=True)
        for path in [*EVERYWHERE, *FILES[host.role], *(WITH_DOCKER if host.role != "master" else [])]:
            (target / Path(path).name).write_text(lab.run(host.name, f"cat {path}", check=True).stdout)
    ansible.inventory(lab, lab.folder / "id_ed25519", {"converged": str(converged)})
    sides.play(PLAYBOOK, changes=True)


def first_runs(lab: Lab, sides: Sides, rounds: int) -> Row:
    """The first run of each side but the floor, on new disks each time."""
    names = [host.name for host in lab.hosts]
    costs: dict[str, list[Cost]] = {"now": [], "before": [], "Ansible": []}
    for _ in range(rounds):
        for side, found in costs.items():
            lab.reset(*names)
            (lab.folder / "known_hosts").unlink()
            if side == "Ansible":
                sides.deploy("-y", file="tasks.ssh.establish_trust", changes=True)
                ansible.prepare(lab)
                found.append(sides.play(PLAYBOOK, changes=True))
            else:
                found.append(sides.deploy("-y", before=side == "before", changes=True))
            click.echo(f"first run, {side}: {found[-1].seconds:.1f} s")
    return Row("first run", sides.hosts, costs)


@click.command()
@click.option("--hosts", multiple=True, type=int, default=(3, 5, 10, 25), show_default=True, help="From 3 on.")
@click.option("--rounds", default=3, show_default=True, help="Times that each side runs.")
@click.option("--first", is_flag=True, help="The first run too, on labs of ten hosts at most.")
@click.option("--before", default=earlier.BEFORE, show_default=True, help="The commit to compare with.")
def main(hosts: tuple[int, ...], rounds: int, first: bool, before: str) -> None:
    """Measure; write the figures, the table and the plot."""
    about = MINUTES * (sum(hosts) + first * sum(number for number in hosts if number <= MOST_ANEW) / 2) * rounds / 3
    click.echo(f"about {about:.0f} minutes on two processors that have nothing else to do")
    lab = Lab(f"{PREFIX}benchh", click.echo)
    results = Results("hosts", {"before": before, "ansible-core": ansible.version()})
    lab.down()
    try:
        with earlier.checkout(before) as folder:
            for number in sorted(hosts):
                lab.up(workers=number - 2)
                sides = Sides(lab, folder)
                converge(lab, sides)
                for case, runs in cases(sides).items():
                    click.echo(f"{sides.hosts} host(s), {case}")
                    results.rows.append(Row(case, sides.hosts, in_turn(runs, rounds, click.echo)))
                if first and number <= MOST_ANEW:
                    results.rows.append(first_runs(lab, sides, rounds))
                results.write()  # a lab that breaks later does not take it along
    finally:
        lab.down()
    click.echo(results.table())


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
