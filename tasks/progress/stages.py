"""The stages of a run: which operations they are made of, how far they are, and how long they took."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyinfra.api import Host, State

from cluster.names import short as spans
from tasks.progress.screen import Row

# The inventory's groups with more than one host.
_ROLES = {"master": "masters", "worker": "workers"}
# What was said of hosts.
Lines = dict[Host, list[str]]


def titles(state: State, op_hash: str) -> tuple[str, str]:
    """The stage of an operation, which is the title of its deploy, and its own name."""
    parts = sorted(state.get_op_meta(op_hash).names)[0].split(" | ")
    return parts[0], parts[-1]


@dataclass
class Stage:
    """What is under way or over; `left` is how many operations are still to come by host."""

    name: str
    left: dict[Host, int] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    failed: set[Host] = field(default_factory=set)
    told: bool = False
    """Whether its end was said."""

    @property
    def seconds(self) -> float:
        """How long it took, or has taken until now."""
        return (self.ended or time.monotonic()) - self.began if self.began else 0.0

    @property
    def done(self) -> list[Host]:
        """The hosts that have it behind them."""
        return [host for host, count in self.left.items() if not count and host not in self.failed]

    def begin(self) -> None:
        """It is under way."""
        self.began, self.ended = self.began or time.monotonic(), 0.0

    def end(self) -> None:
        """It is over, for now: what is left of a stage may come after another one."""
        if self.began:
            self.ended = time.monotonic()


def planned(state: State) -> dict[str, Stage]:
    """The stages of the operations that were planned, in the order that they run in."""
    stages: dict[str, Stage] = {}
    for op_hash in state.get_op_order():
        name, _ = titles(state, op_hash)
        stage = stages.setdefault(name, Stage(name))
        for host in hosts_of(state, op_hash):
            stage.left[host] = stage.left.get(host, 0) + 1
    return stages


def hosts_of(state: State, op_hash: str) -> list[Host]:
    """The hosts that an operation is for, without those that have failed."""
    return [host for host in state.inventory if op_hash in state.ops[host] and host in state.active_hosts]


def crowd(state: State, hosts: Iterable[Host]) -> str:
    """Hosts in few words: all of the run, all of a role, or their names, in the inventory's order."""
    given = set(hosts)
    limited = [host for host in state.inventory if state.is_host_in_limit(host)]
    if len(given) > 1:
        if given == set(limited):
            return f"all {len(given)} hosts"
        for group, members in state.inventory.groups.items():
            if group in _ROLES and given == set(members) & set(limited):
                return f"all {len(given)} {_ROLES[group]}"
    return spans(host.name for host in state.inventory if host in given)


def alike(state: State, said: Lines) -> list[tuple[str, list[str]]]:
    """The lines of many hosts, equal ones once, with the names of their hosts."""
    found: dict[tuple[str, ...], list[Host]] = {}
    for host in sorted(said, key=list(state.inventory).index):
        found.setdefault(tuple(said[host]), []).append(host)
    return [(crowd(state, hosts), list(lines)) for lines, hosts in found.items()]


def rows(stages: Iterable[Stage], doing: str) -> Iterator[Row]:
    """The stages for the live view; `doing` is what the one under way waits for."""
    for stage in stages:
        running = bool(stage.began and not stage.ended)
        yield Row(
            stage.name, len(stage.done), len(stage.left), stage.seconds, running, len(stage.failed),
            doing if running else "",
        )  # fmt: skip
