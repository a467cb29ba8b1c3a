"""The ways of doing the same on the hosts of a lab: this code, an earlier one, Ansible, the floor."""

from __future__ import annotations

from pathlib import Path

from bench import ansible, earlier, floor
from bench.running import Cost, timed
from lab import commands
from lab.api import Lab
from lab.settings import PROJECT
from lab.shell import LabError


class Sides:
    """The four ways of doing a case on the hosts of a lab."""

    def __init__(self, lab: Lab, before: Path):
        self._lab, self._before = lab, before
        earlier.readable(lab.inventory)
        self.hosts = len(lab.hosts)

    def deploy(self, *options: str, file: str = "deploy.py", before: bool = False, changes: bool = False) -> Cost:
        """Run pyinfra by this code or the earlier one; LabError where it changes something and should not.

        Where the two want something else of a host, the first run after the other's undoes that: the next one counts.
        """
        folder = self._before if before else PROJECT
        for _ in range(2):
            cost, said = timed(commands.pyinfra(self._lab, *options, file=file), folder, earlier.settings(folder))
            if "-y" not in options or changes or not (run := commands.Run(0, said)).changed:
                return cost
        raise LabError("a run that should change nothing changed: " + ", ".join(run.changes()))

    def deploy_before(self) -> Cost:
        """Run the earlier code where it changes nothing, then this one until it has no more to change."""
        cost = self.deploy("-y", before=True)
        self.deploy("-y")
        return cost

    def verify(self, before: bool = False) -> Cost:
        """Verify the finished hosts."""
        folder = self._before if before else PROJECT
        return timed(commands.verification(self._lab), folder, earlier.settings(folder))[0]

    def play(self, playbook: Path, *options: str, changes: bool = False) -> Cost:
        """Run Ansible; LabError where it changes something and should not."""
        inventory = self._lab.folder / "ansible.yml"
        return ansible.play(inventory, playbook, *options, hosts=self.hosts, changes=changes)

    def ask(self) -> Cost:
        """The floor."""
        return timed(floor.argv(self._lab.folder, [host.name for host in self._lab.hosts]))[0]
