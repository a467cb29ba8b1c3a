"""The timer of dry runs on the dev box, and what the last of them said."""

import getpass
import re
import sys
from pathlib import Path

import click
import gevent
from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks import systemd
from tasks.drift.look import reports
from tasks.reach import cluster_of, config_of, put, render, role_of

UNITS = "/etc/systemd/system"
CHECKOUT = Path(__file__).parent.parent.parent


@deploy("Drift")
def install() -> None:
    """A timer on the dev box that looks, by drift_schedule, what a deploy would change; none without it."""
    if role_of(host) is not Role.DEV_BOX:
        return
    schedule, folder = config_of(host).drift_schedule, cluster_of(host).folder
    unit = f"openpai-drift-{re.sub(r'[^A-Za-z0-9_.-]', '_', folder.name)}"
    timer, service = f"{UNITS}/{unit}.timer", f"{UNITS}/{unit}.service"
    if schedule is None:
        systemd.unscheduled(name="No dry runs by a timer", timer=f"{unit}.timer", files=[timer, service])
        return
    content = render(
        "drift/drift.service.j2",
        user=getpass.getuser(),
        checkout=_escaped(CHECKOUT),
        python=_escaped(sys.executable),
        folder=_escaped(folder),
    )
    put(name="Dry runs: unit", content=content, dest=service)
    put(name="Dry runs: timer", content=render("drift/drift.timer.j2", schedule=schedule), dest=timer)
    systemd.scheduled(name="Dry runs by a timer", timer=f"{unit}.timer", service=f"{unit}.service", files=[timer])


def status() -> None:
    """Print the outcome of every report that is kept, and the last one whole; that ends the run, without a question."""
    if role_of(host) is not Role.DEV_BOX:
        # pyinfra must neither announce this host as ready nor wait for it.
        raise gevent.GreenletExit
    kept = reports(cluster_of(host).folder)
    if not kept:
        click.echo("no report of a dry run yet; see drift_schedule in config.yaml")
        sys.exit(0)
    texts = [path.read_text(errors="replace") for path in kept]
    for text in texts[:-1]:
        click.echo(text.partition("\n")[0])
    click.echo(texts[-1])
    sys.exit(0)


def _escaped(path: str | Path) -> str:
    """A path as systemd reads it between double quotes."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
