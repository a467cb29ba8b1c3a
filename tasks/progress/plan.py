"""A dry run as a plan: what would change on which hosts, equal differences once, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyinfra.api import Host, State

from cluster.names import short as spans
from tasks.progress.notes import DOCKER_RESTART, REBOOT, notes
from tasks.progress.screen import BOLD, YELLOW, Plain
from tasks.progress.stages import Lines, alike, crowd, titles
from tasks.progress.watcher import INDENT


@dataclass(frozen=True)
class Planned:
    """An operation that would change hosts, surely or where a condition holds then."""

    op_hash: str
    stage: str
    title: str
    hosts: list[Host]
    conditional: bool


def planned(state: State) -> Iterator[Planned]:
    """The operations that would change a host, in their order. Only a run without -y looks for them."""
    if not state.check_for_changes:
        return
    stopped: set[Host] = set()
    for op_hash in state.get_op_order():
        stopped |= {host for host in state.inventory if notes(host).operation == op_hash}
        hosts = [
            host
            for host in state.inventory
            if host in state.active_hosts - stopped
            and op_hash in state.ops[host]
            and state.ops[host][op_hash].operation_meta.will_change
        ]
        if hosts:
            conditional = bool(state.ops[hosts[0]][op_hash].global_arguments.get("_if"))
            yield Planned(op_hash, *titles(state, op_hash), hosts, conditional)


def show(state: State, said: dict[str | None, Lines], screen: Plain) -> None:
    """Show the plan; `said` is what was said while planning, by operation."""
    _show_said(state, said.get(None, {}), screen, INDENT)
    operations = {one.op_hash: one for one in planned(state)}
    stage = ""
    for op_hash in state.get_op_order():
        one, lines = operations.get(op_hash), said.get(op_hash, {})
        if one is None and not lines:
            continue
        name, title = titles(state, op_hash)
        if name != stage:
            stage = name
            screen.line(f"== {stage}", BOLD)
        if one is not None:
            verb = "may change" if one.conditional else "would change"
            screen.line(f"{INDENT}{verb}  {title}: {crowd(state, one.hosts)}", YELLOW)
        _show_said(state, lines, screen, INDENT * 3)


def _show_said(state: State, lines: Lines, screen: Plain, indent: str) -> None:
    for names, texts in alike(state, lines):
        if len(texts) == 1:
            screen.line(f"{indent}{names}: {texts[0]}")
            continue
        screen.line(f"{indent}{names}:")
        for text in texts:
            screen.line(f"{indent}{INDENT}{text}")


def outlook(state: State) -> str:
    """What the plan comes to, in one line."""
    if not state.check_for_changes:
        return "with -y nothing was looked for: leave it out for a plan"
    found = list(planned(state))
    hosts = {host for one in found for host in one.hosts}
    if not found:
        return "nothing would change"
    certain = {(one.op_hash, host) for one in found for host in one.hosts}
    reboots, restarts = (
        [host.name for host in state.inventory if (notes(host).foreseen.get(what), host) in certain]
        for what in (REBOOT, DOCKER_RESTART)
    )
    return (
        f"{_count(len(found), 'operation')} on {_count(len(hosts), 'host')} would change; "
        f"{len(reboots) or 'none'} would reboot{_named(reboots)}; "
        f"Docker restarts on {len(restarts) or 'none'}{_named(restarts)}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _named(names: list[str]) -> str:
    return f" ({spans(names)})" if names else ""
