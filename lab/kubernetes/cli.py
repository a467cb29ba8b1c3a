"""`python -m lab kubernetes build|status`."""

from __future__ import annotations

import time

import click

from lab import kubernetes


@click.group("kubernetes")
def group() -> None:
    """The lab's Kubernetes: built once, about 5 minutes on 2 cores, then offered by `up --kubernetes`."""


@group.command("build")
def build() -> None:
    """Build what is not built yet, with progress; what a killed build has done is kept."""
    began = time.monotonic()

    def progress(line: str) -> None:
        click.echo(f"{time.monotonic() - began:5.0f} s  {line}")

    place = kubernetes.build(progress)
    progress(f"Kubernetes {kubernetes.VERSION} is in {place}")


@group.command("status")
def status() -> None:
    """Say whether it is built, being built, or missing; exit status 1 unless it is built."""
    if kubernetes.ready():
        click.echo(f"Kubernetes {kubernetes.VERSION}: ready in {kubernetes.result()}")
        return
    doing = kubernetes.running()
    click.echo(f"Kubernetes {kubernetes.VERSION}: " + (f"being built: {doing}" if doing else "not built"))
    if not doing:
        click.echo("build it with: python -m lab kubernetes build")
    raise click.exceptions.Exit(1)
