"""Preflight as a command of its own, and as the gate at the head of deploy.py."""

import atexit
import shutil
import sys
from pathlib import Path

import click
import gevent
from pyinfra import host
from pyinfra.api import deploy
from pyinfra.api.exceptions import PyinfraError

from cluster import commands
from cluster.names import short
from cluster.problems import identified
from cluster.report import renewed, save
from tasks.preflight import report
from tasks.preflight.survey import take
from tasks.preflight.verdict import Verdict, judge, unknown
from tasks.progress import notes
from tasks.reach import cluster_host, cluster_of, once


def check() -> None:
    """Look at every host, print what is unmet, and end with status 1 where a must is among it, else 0."""
    (verdict, written), first = once(host.state, "preflight", lambda: _judged(to_stderr=False))
    if not first:
        # pyinfra must neither announce this host as ready nor wait for it.
        raise gevent.GreenletExit
    folder = cluster_of(host).folder
    after = commands.preflight(folder) if verdict.failures else commands.plan(folder)
    click.echo("\n".join(filter(None, (_way_on(verdict), f"next: {after}", written))))
    sys.exit(1 if verdict.failures else 0)


@deploy("Preflight")
def gate() -> None:
    """End the run before any host is changed if a host that was reached does not meet a must.

    With `--data leave_out=unfit` the run goes on without workers that do not, and ends with status 1. It decides while
    pyinfra prepares, which only reads; a dry run says what is unmet and goes on listing.
    """
    verdict, first = once(host.state, "preflight", _gated)
    if not verdict.forbids:
        return
    if _left_out(verdict):
        if cluster_host(host).name in verdict.unfit and not _dry_run():
            raise gevent.GreenletExit
        return
    hosts = len({row.host for row in verdict.failures})
    said = f"Preflight: {len(verdict.failures)} unmet on {hosts} host(s)"
    if _dry_run():
        notes(host).forbidden = "; ".join(filter(None, (f"{said}, see the table above", _way_on(verdict))))
        return
    if not first:
        raise gevent.GreenletExit
    whole = "; ".join(filter(None, (f"{said}; no host was changed", _way_on(verdict))))
    raise PyinfraError(identified(whole, cause="preflight-unmet"))


def _gated() -> Verdict:
    verdict, _ = _judged(to_stderr=True)  # where the report is, the run's last lines say
    left_out = _left_out(verdict)
    if left_out and not _dry_run():
        here = {each for each in host.state.active_hosts if cluster_host(each).name in left_out}
        for each in here:
            notes(each).left_out = True
        host.state.fail_hosts(here)
        atexit.register(click.echo, f"Left out, as unfit: {short(left_out)}; see the preflight above", err=True)
    return verdict


def _left_out(verdict: Verdict) -> list[str]:
    """The hosts that the operator's word leaves out; none where one of them is not a worker, as all need the others."""
    word = host.data.get("leave_out")
    if word not in (None, "unfit"):
        raise PyinfraError(identified(f"leave_out: {word!r} is not known; there is: unfit", cause="data-value"))
    return verdict.unfit if word and _are_workers(verdict.unfit) else []


def _are_workers(names: list[str]) -> bool:
    return set(names) <= {worker.name for worker in cluster_of(host).workers}


def _way_on(verdict: Verdict) -> str:
    if not (verdict.unfit and _are_workers(verdict.unfit)):
        return ""
    return f"to go on without {short(verdict.unfit)}: pyinfra INVENTORY deploy.py --data leave_out=unfit"


def _judged(to_stderr: bool) -> tuple[Verdict, str]:
    """Look, judge, and report; with the verdict a line that says where the report is."""
    # --data skip_requirements=ID,HOST:ID
    skipped = [each for each in str(host.data.get("skip_requirements", "")).replace(" ", "").split(",") if each]
    cluster = cluster_of(host)
    if wrong := unknown(skipped, [each.name for each in cluster.hosts]):
        raise PyinfraError(identified("\n".join(wrong), cause="data-value"))
    survey = take(host.state)
    verdict = judge(survey, skipped)
    stream = sys.stderr if to_stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    click.echo(report.text(verdict, width, colour=stream.isatty()), err=to_stderr)
    content = report.as_json(verdict, survey)
    wanted = host.data.get("report")
    try:
        if wanted:
            save(Path(str(wanted)), content)
    except OSError as error:
        said = f"report={wanted}: {error.strerror}; name a file that can be written"
        raise PyinfraError(identified(said, cause="place-unusable")) from None
    return verdict, renewed(cluster.folder.name, {"preflight.json": content})


def _dry_run() -> bool:
    """pyinfra keeps --dry to itself."""
    return "--dry" in sys.argv
