"""`python -m lab kubernetes build|status`."""

from __future__ import annotations

import time

import click

from lab import kubernetes, services
from lab import state as states
from lab.settings import REGISTRY_PORT


@click.group("kubernetes")
def group() -> None:
    """The lab's Kubernetes: built once, about 8 minutes on 2 cores, then used by every lab."""


@group.command("build")
def build() -> None:
    """Build what is not built yet and offer it to the labs that run; what a killed build has done is kept."""
    began = time.monotonic()

    def progress(line: str) -> None:
        click.echo(f"{time.monotonic() - began:5.0f} s  {line}")

    place = kubernetes.build(progress)
    progress(f"Kubernetes {kubernetes.VERSION} is in {place}")
    for lab in states.every():
        if all(services.running(lab, service) for service in services.SERVICES):
            kubernetes.publish(services.web_root(lab), f"{lab.gateway}:{REGISTRY_PORT}")
            progress(f"lab {lab.name} offers it")


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
