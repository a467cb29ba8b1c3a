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

from tasks.preflight import report
from tasks.preflight.survey import take
from tasks.preflight.verdict import Verdict, judge, unknown
from tasks.reach import cluster_host, cluster_of, once


def check() -> None:
    """Look at every host, print what is unmet, and end with status 1 where a must is among it, else 0."""
    verdict, first = once(host.state, "preflight", lambda: _judged(to_stderr=False))
    if not first:
        # pyinfra must neither announce this host as ready nor wait for it.
        raise gevent.GreenletExit
    if _way_on(verdict):
        click.echo(_way_on(verdict))
    sys.exit(1 if verdict.failures else 0)


@deploy("Preflight")
def gate() -> None:
    """End the run before any host is changed if a host that was reached does not meet a must.

    With `--data leave_out=unfit` the run goes on without workers that do not, and ends with status 1. It decides while
    pyinfra prepares, which only reads; a dry run says what is unmet and goes on listing.
    """
    verdict, first = once(host.state, "preflight", _gated)
    if not verdict.forbids or _dry_run():
        return
    if _left_out(verdict):
        if cluster_host(host).name in verdict.unfit:
            raise gevent.GreenletExit
        return
    if not first:
        raise gevent.GreenletExit
    hosts = len({row.host for row in verdict.failures})
    said = f"Preflight: {len(verdict.failures)} unmet on {hosts} host(s); no host was changed"
    raise PyinfraError("; ".join(filter(None, (said, _way_on(verdict)))))


def _gated() -> Verdict:
    verdict = _judged(to_stderr=True)
    left_out = _left_out(verdict)
    if left_out and not _dry_run():
        here = {each for each in host.state.active_hosts if cluster_host(each).name in left_out}
        host.state.fail_hosts(here)
        atexit.register(click.echo, f"Left out, as unfit: {', '.join(left_out)}; see the preflight above", err=True)
    return verdict


def _left_out(verdict: Verdict) -> list[str]:
    """The hosts that the operator's word leaves out; none where one of them is not a worker, as all need the others."""
    word = host.data.get("leave_out")
    if word not in (None, "unfit"):
        raise PyinfraError(f"leave_out: {word!r} is not known; there is: unfit")
    return verdict.unfit if word and _are_workers(verdict.unfit) else []


def _are_workers(names: list[str]) -> bool:
    return set(names) <= {worker.name for worker in cluster_of(host).workers}


def _way_on(verdict: Verdict) -> str:
    if not (verdict.unfit and _are_workers(verdict.unfit)):
        return ""
    listed = ", ".join(verdict.unfit)
    return f"to go on without {listed}: pyinfra INVENTORY deploy.py --data leave_out=unfit"


def _judged(to_stderr: bool) -> Verdict:
    """Look, judge, and report."""
    # --data skip_requirements=ID,HOST:ID
    skipped = [each for each in str(host.data.get("skip_requirements", "")).replace(" ", "").split(",") if each]
    if wrong := unknown(skipped, [each.name for each in cluster_of(host).hosts]):
        raise PyinfraError("\n".join(wrong))
    survey = take(host.state)
    verdict = judge(survey, skipped)
    stream = sys.stderr if to_stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    click.echo(report.text(verdict, width, colour=stream.isatty()), err=to_stderr)
    path = host.data.get("report")
    if path:
        report.write(Path(str(path)), report.as_json(verdict, survey))
    return verdict


def _dry_run() -> bool:
    """pyinfra keeps --dry to itself."""
    return "--dry" in sys.argv
