"""Preflight against an Ansible playbook with OpenPAI's own checks, on the same bare lab hosts in one run.

    python -m bench.preflight [--workers N] [--rounds N]

Makes a lab of its own, gives its hosts what Ansible needs (Python) and both sides the same SSH key, sudo without a
password and a warm page cache, then times both in turn and prints the medians and their ratio. Preflight's time is that
of the whole pyinfra command. Ansible runs as bench/ansible.py has it. Preflight of finished hosts: bench.hosts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from bench import ansible
from bench.results import NOW, Row
from bench.running import in_turn, timed
from lab import commands
from lab.api import Lab
from lab.settings import PREFIX, USER
from lab.shell import LabError

PLAYBOOK = Path(__file__).with_name("playbook.yml")


def prepare(lab: Lab, key: Path) -> None:
    """Python, the key, and sudo without a password on every host."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text()
    script = (
        f"set -e; install -d -m 700 -o {USER} -g {USER} ~{USER}/.ssh; cat >~{USER}/.ssh/authorized_keys; "
        f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bench"
    )
    for host in lab.hosts:
        lab.run(host.name, script, stdin=public, check=True)
    ansible.prepare(lab)


@click.command()
@click.option("--workers", default=4, show_default=True, help="Workers beside the dev box and the master.")
@click.option("--rounds", default=3, show_default=True, help="Times that each side runs.")
def main(workers: int, rounds: int) -> None:
    """Time preflight and the playbook in turn; print the medians and their ratio."""
    lab = Lab(f"{PREFIX}benchp", click.echo)
    lab.down()
    lab.up(workers=workers)
    try:
        key = lab.folder / "id_ed25519"
        prepare(lab, key)
        hosts = len(lab.hosts)
        inventory = ansible.inventory(lab, key, {})
        runs = {
            NOW: lambda: timed(commands.pyinfra(lab, file="tasks.preflight.check"))[0],
            "Ansible": lambda: ansible.play(inventory, PLAYBOOK, hosts=hosts),
        }
        row = Row("preflight", hosts, in_turn(runs, rounds, click.echo))
    finally:
        lab.down()
    for side in runs:
        click.echo(f"{side:10} {hosts} hosts  median {row.seconds(side):6.2f} s")
    click.echo(f"preflight is {row.ratio('Ansible'):.1f} times as fast")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(str(error))
