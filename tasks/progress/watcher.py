"""A run as it goes: pyinfra's callbacks and log into the record, and onto the screen."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator

import gevent
from pyinfra.api import Host, State
from pyinfra.api.state import BaseStateCallback, StateStage

from cluster.names import duration
from tasks.progress import stages
from tasks.progress.heard import Heard
from tasks.progress.notes import notes
from tasks.progress.reasons import Said, Voice, cause
from tasks.progress.record import CHANGED, FAILED, LEFT_OUT, NOT_REACHED, NOT_RUN, WELL, Change, Failure, Record, now
from tasks.progress.screen import BOLD, GREEN, RED, YELLOW, Plain, Row
from tasks.progress.stages import Lines, Stage, alike, titles

CONNECT, PLAN = "Connect", "Plan"
# Seconds between looks at what was said of many hosts, and between words on a long wait.
TICK, LONG = 3, 30
# How the tasks' own waits speak: "POD pending 12 s", "12 s  ...".
_WAIT = re.compile(r"^ *\d+ s  |\d+ s$")
INDENT = "   "


class Watcher(BaseStateCallback):
    """Follows one run of pyinfra."""

    def __init__(self, state: State, record: Record, screen: Plain, log: str):
        self.state, self.record, self.screen, self.log = state, record, screen, log
        self.phases = {CONNECT: Stage(CONNECT)}
        self.stages: dict[str, Stage] = {}
        self.planned: dict[str | None, Lines] = {}
        """What was said while planning, by operation."""
        self._current: Stage | None = None
        self._op = ""
        self._op_began = self._spoke = time.monotonic()
        self._running: dict[Host, str] = {}
        self._unsettled: dict[Host, str] = {}
        self._errors: dict[Host, list[Said]] = {}
        self._pending: Lines = {}
        self._failures: dict[Failure, list[Host]] = {}
        self._ticking = gevent.spawn(self._tick)

    # Phases

    def phase(self, stage: StateStage) -> None:
        """pyinfra enters a phase of its own."""
        self._op_began = self._spoke = time.monotonic()
        if stage is StateStage.Connect:
            self.phases[CONNECT].begin()
            self.phases[CONNECT].left = {host: 1 for host in self.state.inventory if self.state.is_host_in_limit(host)}
        elif stage is StateStage.Prepare:
            self._over(self.phases[CONNECT])
            self._flush()
            self.phases[PLAN] = Stage(PLAN)
            self.phases[PLAN].begin()
        elif stage is StateStage.Execute:
            self._over(self.phases[PLAN])
            self.record.executed = True
            self.stages = stages.planned(self.state)
            for name, one in self.stages.items():
                for host in one.left:
                    self.record.hosts[host.name].stages[name] = NOT_RUN
            for host in self.state.inventory:
                notes(host).stops.clear()
                notes(host).operation = ""
            self._errors.clear()
        elif stage is StateStage.Disconnect:
            self._end_stage()

    def rows(self) -> Iterator[Row]:
        """The stages for the live view."""
        yield from stages.rows([*self.phases.values(), *self.stages.values()], self._doing())

    def close(self) -> None:
        """The run is over, whichever way: settle what is open."""
        self._ticking.kill()
        for host in list(self._unsettled):
            self._settle(host)
        self._flush()
        self._end_stage()
        for stage in (*self.phases.values(), *self.stages.values()):
            if stage.began:
                if not stage.ended:
                    stage.end()
                self.record.stages[stage.name] = stage.seconds
        self._failed_without_operation()
        self._flush()

    def _over(self, stage: Stage) -> None:
        if stage.began and not stage.ended:
            stage.end()

    # Callbacks of pyinfra

    def host_connect(self, state: State, host: Host) -> None:  # type: ignore[override]
        """A host was reached."""
        if host in self.phases[CONNECT].left:
            self.phases[CONNECT].left[host] = 0

    def host_connect_error(self, state: State, host: Host, error: Exception) -> None:  # type: ignore[override]
        """A host was not reached; later on that is a reboot's affair."""
        if state.current_stage is not StateStage.Connect:
            return
        problem = host.connector_data.get("refusal")
        found = cause([problem or str(error)], [])
        self.phases[CONNECT].failed.add(host)
        self._fail(host, Failure(CONNECT, "", found.reason, found.remedy, self.log), NOT_REACHED)

    def operation_start(self, state: State, op_hash: str) -> None:  # type: ignore[override]
        """All hosts begin an operation."""
        self._begin(op_hash)

    def operation_host_start(self, state: State, host: Host, op_hash: str) -> None:  # type: ignore[override]
        """A host begins an operation, or passes over it."""
        if op_hash not in state.ops[host] or state.ops[host][op_hash].parent_op_hash:
            return
        if op_hash != self._op:
            # Under --serial and --no-wait each host goes its own way.
            self._settle(host)
            self._begin(op_hash)
        self._running[host] = op_hash
        self._errors.pop(host, None)
        notes(host).log = ""
        notes(host).stops.clear()

    def operation_host_success(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0
    ) -> None:
        """A host is through with an operation."""
        if self._running.get(host) != op_hash:
            return
        del self._running[host]
        self._unsettled[host] = op_hash

    def operation_host_error(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        """A host fails in an operation."""
        if self._running.get(host) != op_hash:
            return
        del self._running[host]
        if state.ops[host][op_hash].global_arguments.get("_ignore_errors"):
            self._unsettled[host] = op_hash
            return
        stage, title = titles(state, op_hash)
        found = cause(notes(host).stops, self._errors.pop(host, []))
        where = found.log or notes(host).log
        log = f"{where} on {host.name}, and {self.log}" if where else self.log
        self.stages[stage].failed.add(host)
        self.record.hosts[host.name].stages[stage] = FAILED
        self._fail(host, Failure(stage, title, found.reason, found.remedy, log), FAILED)

    def operation_end(self, state: State, op_hash: str) -> None:  # type: ignore[override]
        """All hosts are through with an operation."""
        changed = [host for host, op in list(self._unsettled.items()) if op == op_hash and self._settle(host, False)]
        self._flush()
        if changed:
            self._say_changed(changed, op_hash)

    # What follows from them

    def _begin(self, op_hash: str) -> None:
        name, _ = titles(self.state, op_hash)
        self._op, self._op_began, self._spoke = op_hash, time.monotonic(), time.monotonic()
        stage = self.stages[name]
        if stage is self._current:
            return
        self._end_stage()
        self._current = stage
        if not stage.began:
            hosts = f"{len(stage.left)} hosts" if len(stage.left) != 1 else next(iter(stage.left)).name
            self.screen.line(f"== {name}: {hosts}", BOLD)
        stage.begin()

    def _end_stage(self) -> None:
        stage, self._current = self._current, None
        if stage is None:
            return
        stage.end()
        over = all(not count or host in stage.failed for host, count in stage.left.items())
        if over and not stage.told:
            stage.told = True
            failed = f", {len(stage.failed)} failed" if stage.failed else ""
            said = f"{len(stage.done)} of {len(stage.left)} hosts done{failed}, {duration(stage.seconds)}"
            self.screen.line(f"{INDENT}{said}", RED if stage.failed else "")

    def _settle(self, host: Host, say: bool = True) -> bool:
        """Note what came of the host's last operation: true where it changed the host."""
        op_hash = self._unsettled.pop(host, None)
        if op_hash is None:
            return False
        name, title = titles(self.state, op_hash)
        meta, record, stage = (
            self.state.ops[host][op_hash].operation_meta,
            self.record.hosts[host.name],
            self.stages[name],
        )
        changed = meta.is_complete() and meta.did_change()
        if changed:
            record.changed.append(Change(name, title, now()))
            if say:
                self._say_changed([host], op_hash)
        stage.left[host] = max(0, stage.left.get(host, 1) - 1)
        if not stage.left[host]:
            record.stages[name] = CHANGED if any(each.stage == name for each in record.changed) else WELL
        return changed

    def _say_changed(self, hosts: list[Host], op_hash: str) -> None:
        took = duration(time.monotonic() - self._op_began)
        names = stages.crowd(self.state, hosts)
        self.screen.line(f"{INDENT}changed  {titles(self.state, op_hash)[1]}: {names} ({took})", GREEN)

    def _fail(self, host: Host, failure: Failure, state: str) -> None:
        record = self.record.hosts[host.name]
        record.state, record.failure = state, failure
        self._failures.setdefault(failure.of_many(host.name), []).append(host)
        for stage in self.stages.values():
            if not stage.began:
                stage.left.pop(host, None)

    def _failed_without_operation(self) -> None:
        """Hosts that failed while pyinfra planned, or that were left out."""
        for host in self.state.inventory:
            record = self.record.hosts[host.name]
            if notes(host).left_out:
                record.state, record.failure = LEFT_OUT, None
            elif host in self.state.failed_hosts and record.failure is None:
                found = cause(notes(host).stops, self._errors.get(host, []))
                self._fail(host, Failure(PLAN, "", found.reason, found.remedy, self.log), FAILED)

    # What is said

    def told(self, heard: Heard) -> None:
        """Called with everything that is logged."""
        if self.state.current_stage is StateStage.Connect and heard.level >= logging.ERROR:
            return  # host_connect_error tells it, once for hosts alike
        if heard.level >= logging.ERROR and heard.host is not None:
            self._errors.setdefault(heard.host, []).append(Said(heard.voice, heard.text))
        elif heard.level >= logging.WARNING or (heard.level == logging.INFO and heard.voice is not Voice.PYINFRA):
            if heard.host is None:
                self.screen.line(f"{INDENT}{heard.text}", YELLOW if heard.level >= logging.WARNING else "")
            else:
                self._said(heard.host, heard.text)

    def _said(self, host: Host, text: str) -> None:
        if self.state.current_stage <= StateStage.Prepare:
            self.planned.setdefault(host.current_op_hash, {}).setdefault(host, []).append(text)
            return
        alone = host in self._running and len(stages.hosts_of(self.state, self._op)) == 1
        if alone or _WAIT.search(text):
            self._spoke = time.monotonic()
            self._show({host: [text]})
        else:
            self._pending.setdefault(host, []).append(text)

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        self._show(pending)
        failures, self._failures = self._failures, {}
        for common, hosts in failures.items():
            alone = self.record.hosts[hosts[0].name].failure if len(hosts) == 1 else None
            one = alone or common
            where = f"{one.operation}: " if one.operation else ""
            names = stages.crowd(self.state, hosts)
            self.screen.line(f"{INDENT}FAILED   {names}: {where}{one.reason}; {one.remedy}", RED)

    def _show(self, said: Lines) -> None:
        for names, lines in alike(self.state, said):
            for text in lines:
                self.screen.line(f"{INDENT}{names}  {text}")

    def _doing(self) -> str:
        """What is waited for: the operation, the hosts that are not through with it, and where its log is."""
        if self.state.current_stage is StateStage.Connect:
            left = [host for host, count in self.phases[CONNECT].left.items() if count]
            return f"waiting for {stages.crowd(self.state, left)}" if left else ""
        if self.state.current_stage is StateStage.Prepare:
            return "looking at the hosts, and working out what there is to do"
        if not self._running:
            return ""
        _, title = titles(self.state, self._op)
        waiting = stages.crowd(self.state, self._running)
        logs = dict.fromkeys(log for host in self._running if (log := notes(host).log))
        return "; ".join([f"{title}: waiting for {waiting}", *(f"log there: {log}" for log in logs)])

    def _tick(self) -> None:
        while True:
            gevent.sleep(TICK)
            self._flush()
            now = time.monotonic()
            if not self.screen.animated and now - self._spoke >= LONG and (doing := self._doing()):
                self._spoke = now
                self.screen.line(f"{INDENT}{duration(now - self._op_began)}  {doing}")
