"""python -m lab: the rehearsal lab on this machine."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from lab import hosts, process, services
from lab import state as states
from lab.api import Lab
from lab.kubernetes.cli import group as kubernetes
from lab.settings import DEFAULT_SUITE, USER
from lab.shell import LabError

NAME = click.option("--name", default="lab", show_default=True, help="Which lab; several live side by side.")


@click.group()
def cli() -> None:
    """The rehearsal lab: a cluster's machines as systemd hosts on this machine, reached over real SSH."""


@cli.command()
@NAME
@click.option("--workers", default=2, show_default=True, help="Number of worker hosts.")
@click.option(
    "--suite", "suites", multiple=True, metavar="SUITE | HOST=SUITE", help="For all hosts, or one; repeatable."
)
@click.option("--gpu", "gpus", multiple=True, metavar="HOST=PROFILE", help="GPU profile of one host; repeatable.")
@click.option("--folder", type=click.Path(path_type=Path), help="Cluster folder to write [default: inventories/NAME]")
def up(name: str, workers: int, suites: tuple[str, ...], gpus: tuple[str, ...], folder: Path | None) -> None:
    """Make the lab, or start what of it does not run, or add workers to it."""
    start = time.monotonic()
    lab = Lab(name, click.echo)
    single = dict(_pair(word) for word in suites if "=" in word)
    common = [word for word in suites if "=" not in word]
    lab.up(workers, single, common[-1] if common else DEFAULT_SUITE, dict(_pair(word) for word in gpus), folder)
    click.echo(
        f"lab {name} is up after {time.monotonic() - start:.0f} s: {len(lab.hosts)} hosts in {lab.state.network}"
    )
    click.echo(f"inventory: {os.path.relpath(lab.inventory)}")


@cli.command()
@NAME
def down(name: str) -> None:
    """End and remove everything of the lab."""
    Lab(name).down()
    click.echo(f"lab {name} is gone")


@cli.command()
def status() -> None:
    """Show every lab's hosts and services."""
    rows = [("LAB", "HOST", "ROLE", "SUITE", "ADDRESS", "STATE")]
    for lab in states.every():
        for host in lab.hosts:
            state = (
                "up" if hosts.answers(host) else "starting" if process.find(lab.name, hosts.part(host.name)) else "down"
            )
            rows.append((lab.name, host.name, host.role, host.suite, host.address, state))
        for service in services.SERVICES:
            state = "up" if services.running(lab, service) else "down"
            rows.append((lab.name, "gateway", service.name, "-", services.address(lab, service), state))
    if len(rows) == 1:
        click.echo("no lab; make one with: python -m lab up")
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@cli.command(context_settings={"ignore_unknown_options": True})
@NAME
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST over SSH, or run COMMAND there."""
    lab = states.need(name)
    address = lab.host(host).address
    with tempfile.TemporaryDirectory() as folder:
        helper = Path(folder, "askpass")
        helper.touch(mode=0o700)
        helper.write_text(f"#!/bin/sh\nexec cat {shlex.quote(folder)}/password\n")
        secret = Path(folder, "password")
        secret.touch(mode=0o600)
        secret.write_text(lab.password + "\n")
        environment = {**os.environ, "SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
        # The hosts are this machine's own, a veth away, and new with every lab: nothing to pin.
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "PubkeyAuthentication": "no",
            "NumberOfPasswordPrompts": "1",
        }
        argv = ["ssh", *(f"-o{key}={value}" for key, value in options.items()), f"{USER}@{address}", *command]
        sys.exit(subprocess.run(argv, env=environment, check=False).returncode)


cli.add_command(kubernetes)


def _pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not (key and equals and value):
        raise LabError(f"{word!r} is not HOST=VALUE")
    return key, value


def main() -> None:
    """Entry point: an error of the lab is one sentence and exit status 1."""
    try:
        cli()
    except LabError as error:
        sys.exit(f"lab: {error}")


if __name__ == "__main__":
    main()
