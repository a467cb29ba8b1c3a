"""Where a run of pyinfra is taken hold of: at its start, at its question, at its end, and at Ctrl-C.

pyinfra calls config.py and the inventory with its state at hand; what its callbacks do not tell (phases, the question,
the end) is had by putting a function of ours before its own.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click
import gevent
from pyinfra import logger
from pyinfra.api import State
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_state

from cluster import Cluster, secrets
from cluster.data import PROJECT
from cluster.problems import identified
from cluster.report import private_folder, renewed
from tasks.progress import closing, plan
from tasks.progress.heard import Listener, Without
from tasks.progress.log import Mask, RunLog
from tasks.progress.record import LEFT_OUT, NOT_FINISHED, HostRecord, Record
from tasks.progress.screen import RED, Animated, Plain
from tasks.progress.summary import summary
from tasks.progress.watcher import Watcher

RAW, PLAIN, LIVE = "raw", "plain", "live"
WRONG_USAGE, INTERRUPTED = 2, 130
# Commands of pyinfra's own that only show something.
_SHOWING = ("fact", "exec", "debug-inventory")
# Seconds that hosts' commands get to take notice of Ctrl-C.
_LETTING_GO = 5

_cli: Any = import_module("pyinfra_cli.cli")
_confirm, _disconnect_all = _cli._do_confirm, _cli.disconnect_all


def watch(cluster: Cluster | None = None) -> None:
    """Take hold of the run of pyinfra's command line that loads config.py or an inventory; `cluster`, once known.

    Without a cluster (pyinfra over hosts of no folder) the exit statuses alone are seen to.
    """
    context = click.get_current_context(silent=True)
    if context is None or "operations" not in context.params or not ctx_state.isset():
        return
    state: Any = ctx_state.get()
    if not hasattr(state, "run"):
        state.run = Run(state, context.params)
        vars(state).update(init=state.run.begin, set_stage=state.run.set_stage)
        vars(_cli).update(_do_confirm=state.run.confirm, disconnect_all=state.run.end)
        signal.signal(signal.SIGINT, _interrupt)
    state.run.cluster = cluster or state.run.cluster


def watch_ours() -> None:
    """Take hold of a run of this project's operations that neither config.py nor an inventory told of.

    That is one outside of the checkout whose inventory is missing. Runs of other people's operations are theirs.
    """
    context = click.get_current_context(silent=True)
    operations = context.params.get("operations") or () if context else ()
    if any(one.startswith("tasks.") or Path(one).resolve().is_relative_to(PROJECT) for one in operations):
        watch()


def _interrupt(*_: Any) -> None:
    """End by the main greenlet. The handler runs in whichever is at work; threads' greenlets would swallow it."""
    # A second one ends at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    hub = gevent.get_hub()
    assert hub.parent is not None
    if gevent.getcurrent() is hub.parent:
        sys.exit(INTERRUPTED)
    hub.loop.run_callback_threadsafe(hub.parent.throw, SystemExit(INTERRUPTED))


def _refuse(sentence: str, status: int = 1, *, cause: str) -> NoReturn:
    click.echo(identified(sentence, cause=cause), err=True)
    sys.exit(status)


class Run:
    """One run of pyinfra's command line; `given` are its options and arguments."""

    def __init__(self, state: State, given: dict[str, Any]):
        self.state, self.given = state, given
        self.cluster: Cluster | None = None
        self.watcher: Watcher | None = None
        self.raw = True
        self._screen = Plain()
        self._log: RunLog | None = None
        self._plan_shown = False

    @property
    def is_deploy(self) -> bool:
        """True of deploy files, false of one function or of one of pyinfra's own commands."""
        return all(str(one).endswith(".py") for one in self.given["operations"])

    # The start

    def begin(self, inventory: Any, config: Any, initial_limit: Any = None) -> None:
        """In the place of State.init: the inventory is known, and no host was touched."""
        wanted = self.given["inventory"]
        if not len(inventory):
            _refuse(f"{wanted}: there is no such inventory file in {Path.cwd()}", cause="inventory-missing")
        if initial_limit == []:
            patterns = [*(f"--limit {one}" for one in self.given["limit"])]
            patterns += [f"--exclude {one}" for one in self.given["exclude"]]
            names = [host.name for host in inventory]
            known = ", ".join([*names[:5], *(["..."] if len(names) > 5 else [])])
            _refuse(f"{' '.join(patterns)}: no host of {wanted} is left; its hosts: {known}", cause="no-host-chosen")
        kind = self._kind(inventory.get_override_data().get("output"))
        State.init(self.state, inventory, config, initial_limit=initial_limit)
        if self.cluster is not None:
            self._follow(self.cluster, inventory, kind)

    def _follow(self, cluster: Cluster, inventory: Any, kind: str) -> None:
        self.raw = kind == RAW
        logger.addFilter(Without(Mask([one.get_secret_value() for one in secrets.known(cluster)])))
        record = Record(cluster.folder.name, self.given["dry"])
        for host in inventory:
            state = NOT_FINISHED if self.state.is_host_in_limit(host) else LEFT_OUT
            record.hosts[host.name] = HostRecord(str(host.data.get("role", "")), state)
        write = self._opened(cluster)
        self._screen = Animated() if kind == LIVE else Plain(silent=self.raw)
        if not self.raw:
            os.environ["PYINFRA_PROGRESS"] = "off"
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
        self.watcher = Watcher(self.state, record, self._screen, self._log_name)
        self.state.add_callback_handler(self.watcher)
        logger.addHandler(Listener(write, self.watcher.told))
        if self.is_deploy:
            what = "dry run" if record.dry else "deploy"
            hosts = len(record.hosts) - len(record.named(LEFT_OUT))
            self._screen.line(f"{record.cluster}: {what} of {hosts} hosts; all of it goes to {self._log_name}")
        self._screen.start(self.watcher.rows)

    def _kind(self, asked: Any) -> str:
        given = self.given
        if asked not in (None, RAW, PLAIN, LIVE):
            said = f"--data output={asked} is not known; there are: {RAW}, {PLAIN}, {LIVE}"
            _refuse(said, WRONG_USAGE, cause="data-value")
        if given["operations"][0] in _SHOWING or given["json_output"]:
            return RAW
        if asked:
            return asked
        if given["verbosity"] or given["debug_facts"] or given["debug_operations"]:
            return RAW
        return LIVE if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else PLAIN

    def _opened(self, cluster: Cluster) -> Callable[[str], object]:
        try:
            self._log = RunLog(private_folder(cluster.folder.name))
        except OSError as error:
            click.echo(f"this run has no log: {error.filename}: {error.strerror}", err=True)
            return lambda text: None
        self._log.write(shlex.join(["pyinfra", self.given["inventory"], *self.given["operations"]]))
        return self._log.write

    @property
    def _log_name(self) -> str:
        return os.path.relpath(self._log.path) if self._log else "none, it could not be written"

    def set_stage(self, stage: StateStage) -> None:
        """In the place of State.set_stage."""
        if self.watcher is not None:
            if stage is StateStage.Execute:
                self._show_plan(self.watcher)
            self.watcher.phase(stage)
        State.set_stage(self.state, stage)

    # The question

    def confirm(self, message: str) -> bool:
        """In the place of pyinfra's own: the plan before it, and a word where nobody can answer."""
        if self.watcher is not None:
            self._screen.stop()
            self._show_plan(self.watcher)
            self._screen.line(plan.outlook(self.state))
        try:
            agreed = bool(_confirm(message))
        except EOFError:
            way_on = "-y goes on without asking, --dry shows the plan alone"
            _refuse(f"\nno terminal to confirm on: {way_on}", WRONG_USAGE, cause="no-terminal")
        if self.watcher is not None and agreed:
            self._screen.start(self.watcher.rows)
        return agreed

    def _show_plan(self, watcher: Watcher) -> None:
        if not self._plan_shown:
            self._plan_shown = True
            plan.show(self.state, watcher.planned, self._screen)

    # The end

    def end(self, state: State) -> None:
        """In the place of disconnect_all, which pyinfra calls last, however a run ended."""
        error = sys.exc_info()[1]
        if isinstance(error, SystemExit) and error.code == INTERRUPTED:
            for pool in (state.pool, state.fact_pool):
                pool.kill(timeout=_LETTING_GO)
        try:
            _disconnect_all(state)
        finally:
            status = self._finish(self.watcher, error) if self.watcher else None
        if status is not None:
            sys.exit(status)

    def _finish(self, watcher: Watcher, error: BaseException | None) -> int | None:
        """Say and write what came of the run; its exit status, or None where pyinfra is to show `error` itself."""
        record = watcher.record
        self._screen.stop()
        self._show_plan(watcher)
        watcher.close()
        said = closing.sentences(self.state, record, error, self.given)
        report = self._report(record) if self.is_deploy else ""
        if self._log and error is not None and not isinstance(error, SystemExit):
            self._log.write("".join(traceback.format_exception(error)))
        if self.state.op_meta or not isinstance(error, SystemExit):
            for line in summary(record, self._log_name, said, report):
                self._screen.line(line.text, RED if line.failed else "")
                if self._log:
                    self._log.write(line.text)
        elif said:
            self._screen.line(said[-1], RED)
        own = isinstance(error, SystemExit) and not isinstance(error.code, str)
        return record.status if own or not self.raw else None

    def _report(self, record: Record) -> str:
        return renewed(record.cluster, {"deploy.json": record.document()})
