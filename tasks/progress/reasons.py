"""Why an operation failed, in one sentence, out of what was said while it ran. Pure: no pyinfra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from cluster import Place, Problem
from cluster.problems import identified

# pyinfra's own words around an exception of a command: its type and its arguments.
_EXCEPTION = re.compile(r"Command (?:socket/SSH|IO) error: \w+\((['\"])(.*)\1,?\)", re.DOTALL)
_FACT_ERROR = re.compile(r"(?:\w+Error: )(\w+: the answer cannot be read.*)", re.DOTALL)
# How a line says where more is: a path on the host.
_LOG = re.compile(r"(?:\blog:|\bsee) (/\S+[\w/])")
_READ = "read the log, mend the cause, then run the same again"
DEFAULT_REMEDY = identified(_READ, cause="command-failed")
# The identifier that a sentence ends with.
_IDENTIFIED = re.compile(r"(.*) \[([a-z0-9-]+)\]")


class Voice(Enum):
    """Who said a line."""

    TASK = "task"
    COMMAND = "command"
    PYINFRA = "pyinfra"


@dataclass(frozen=True)
class Said:
    """A line of error that was said of a host."""

    voice: Voice
    text: str


@dataclass(frozen=True)
class Cause:
    """What went wrong, what to do, and where on the host there is more, or nothing."""

    reason: str
    remedy: str
    log: str = ""


def cause(stops: Sequence[Problem | str], said: Sequence[Said]) -> Cause:
    """The cause of a failure: what the task stopped with, else its first line, else the command's last."""
    logs = [found[1] for one in said if (found := _LOG.search(one.text))]
    log = logs[-1] if logs else ""
    if stops:
        first = stops[0]
        if isinstance(first, Problem):
            where = f"{first.place}: " if first.place != Place() else ""
            return Cause(f"{where}{first.found}", identified(first.fix, cause=first.cause), log)
        return _split(first, log)
    tasks = [one.text for one in said if one.voice is Voice.TASK and one.text.strip()]
    if tasks:
        return _split(tasks[0], log)
    commands = [one.text for one in said if one.voice is Voice.COMMAND and one.text.strip()]
    commands = [text for text in commands if not _LOG.search(text)] or commands
    if commands:
        return Cause(commands[-1].strip(), DEFAULT_REMEDY, log)
    others = [one.text.strip() for one in said if not one.text.strip().startswith("Error")]
    if others:
        text = others[0]
        for pattern, group in ((_EXCEPTION, 2), (_FACT_ERROR, 1)):
            if found := pattern.fullmatch(text):
                text = found[group]
        return _split(text, log)
    return Cause("a command failed without a word", DEFAULT_REMEDY, log)


def _split(text: str, log: str) -> Cause:
    """A sentence of "what was found; what to do"."""
    found, _, fix = " ".join(text.split()).partition("; ")
    if not fix and (own := _IDENTIFIED.fullmatch(found)):
        found, fix = own[1], identified(_READ, cause=own[2])
    return Cause(found, fix or DEFAULT_REMEDY, log)
