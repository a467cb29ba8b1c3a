"""python -m lab: the rehearsal lab on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from lab import hosts, process, services, ssh
from lab import state as states
from lab.api import Lab
from lab.kubernetes.cli import group as kubernetes
from lab.rehearse import rehearse
from lab.settings import DEFAULT_NAME
from lab.shell import LabError
from lab.state import LabHost, LabState

NAME = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab; several live side by side.")


@click.group()
def cli() -> None:
    """The rehearsal lab: a cluster's machines as systemd hosts on this machine, reached over real SSH."""


@cli.command()
@NAME
@click.option("--workers", type=int, help="Number of worker hosts [default: 2, or as many as there are]")
@click.option("--suite", "suites", multiple=True, metavar="[HOST=]SUITE", help="Release of all hosts or of one.")
@click.option("--gpu", "gpus", multiple=True, metavar="[HOST=]PROFILE", help="GPUs of all workers or of one.")
@click.option("--past", "pasts", multiple=True, metavar="HOST=PAST[+PAST...]", help="What a host brings along.")
@click.option("--kubernetes", is_flag=True, help="Offer the lab's Kubernetes; builds it when it is not built yet.")
@click.option("--openpai", is_flag=True, help="Offer OpenPAI's source and images as well, and Kubernetes with them.")
@click.option("--folder", type=click.Path(path_type=Path), help="Cluster folder to write [default: inventories/NAME]")
def up(
    name: str,
    workers: int | None,
    suites: tuple[str, ...],
    gpus: tuple[str, ...],
    pasts: tuple[str, ...],
    kubernetes: bool,
    openpai: bool,
    folder: Path | None,
) -> None:
    """Make the lab, or start what of it does not run, or add workers to it."""
    start = time.monotonic()
    lab = Lab(name, click.echo)
    suite, single_suites = _assignments(suites)
    gpu, single_gpus = _assignments(gpus)
    common_past, single_pasts = _assignments(pasts)
    if common_past:
        raise LabError(f"whose past is {common_past}? HOST={common_past}")
    lab.up(
        workers=workers,
        suite=suite,
        suites=single_suites,
        gpu=gpu,
        gpus=single_gpus,
        pasts=single_pasts,
        kubernetes=kubernetes,
        openpai=openpai,
        folder_path=folder,
    )
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
@click.option("--name", help="Only this lab.")
def status(name: str | None) -> None:
    """Show the hosts and services of every lab; exit status 1 unless all of them are up."""
    labs = [states.need(name)] if name else states.every()
    if not labs:
        click.echo("no lab; make one with: python -m lab up")
        return
    rows = [("LAB", "HOST", "ROLE", "SUITE", "ADDRESS", "STATE"), *(row for lab in labs for row in _rows(lab))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if any(row[-1] != "up" for row in rows[1:]):
        raise click.exceptions.Exit(1)


@cli.command("ssh", context_settings={"ignore_unknown_options": True})
@NAME
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh_command(name: str, host: str, command: tuple[str, ...]) -> None:
    """Open a shell on HOST over SSH, or run COMMAND there."""
    lab = states.need(name)
    raise click.exceptions.Exit(ssh.connect(lab, lab.host(host), command))


@cli.command("rehearse")
@NAME
@click.option("--workers", default=2, show_default=True, help="Number of worker hosts.")
def rehearse_command(name: str, workers: int) -> None:
    """The whole job on this machine: a new lab, deployed, deployed again, verified; the time of each stage."""
    rehearse(name, workers)


cli.add_command(kubernetes)


def _rows(lab: LabState) -> Iterable[tuple[str, ...]]:
    for host in lab.hosts:
        yield lab.name, host.name, host.role, host.suite, host.address, _state(lab, host)
    for service in services.SERVICES:
        state = "up" if services.running(lab, service) else "down"
        yield lab.name, "gateway", service.name, "-", services.address(lab, service), state


def _state(lab: LabState, host: LabHost) -> str:
    if not process.find(lab.name, hosts.part(host.name)):
        return "down"
    # An sshd on a busy machine takes its time; one that is not there yet refuses at once.
    return "up" if hosts.answers(host, patience=10) else "starting"


def _assignments(words: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """The last VALUE among the words (None without one), and what HOST=VALUE words give single hosts."""
    common, single = None, {}
    for word in words:
        host, equals, value = word.partition("=")
        if not equals or host.startswith("{"):
            common = word
        elif host and value:
            single[host] = value
        else:
            raise LabError(f"{word!r} is neither VALUE nor HOST=VALUE")
    return common, single


def main() -> None:
    """Entry point: an error of the lab is one sentence and exit status 1."""
    try:
        cli()
    except LabError as error:
        sys.exit(f"lab: {error}")
