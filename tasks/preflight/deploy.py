"""Preflight as a command of its own, and as the gate at the head of deploy.py."""

import shutil
import sys
from pathlib import Path

import click
import gevent
from pyinfra import host
from pyinfra.api import deploy
from pyinfra.api.exceptions import PyinfraError

from tasks.preflight import report
from tasks.preflight.survey import once, take
from tasks.preflight.verdict import Verdict, judge, unknown


def check() -> None:
    """Look at every host, print what is unmet, and end with status 1 where a must is among it, else 0."""
    verdict, first = once(host.state, lambda: _judged(to_stderr=False))
    if not first:
        # pyinfra must neither announce this host as ready nor wait for it.
        raise gevent.GreenletExit
    sys.exit(1 if verdict.failures else 0)


@deploy("Preflight")
def gate() -> None:
    """End the run before any host is changed if a host that was reached does not meet a must.

    It decides while pyinfra prepares, which only reads; a dry run says what is unmet and goes on listing.
    """
    verdict, first = once(host.state, lambda: _judged(to_stderr=True))
    if not verdict.forbids or "--dry" in sys.argv:  # pyinfra keeps --dry to itself
        return
    if not first:
        raise gevent.GreenletExit
    hosts = len({row.host for row in verdict.failures})
    raise PyinfraError(f"Preflight: {len(verdict.failures)} unmet on {hosts} host(s); no host was changed")


def _judged(to_stderr: bool) -> Verdict:
    """Look, judge, and report."""
    # --data skip_requirements=ID,ID
    skipped = [each for each in str(host.data.get("skip_requirements", "")).replace(" ", "").split(",") if each]
    if wrong := unknown(skipped):
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
