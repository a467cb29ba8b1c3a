"""Random commands of root and of the login's user: what the shell kept open says, and what each says by itself.

--data number=N seed=N report=FILE; FILE then says, as JSON, which differ and how many channels the shells took.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Pool
from pyinfra import host
from pyinfra.api import StringCommand

from tasks.reach import streams
from tests import random_commands

AT_ONCE = 4
"""Channels of one connection that run commands by themselves beside each other; sshd allows ten."""
BIG = (
    "head -c 10000000 /dev/zero",
    "yes '@@@ 0 1 1' | head -c 10000000 >&2",
    "for i in 1 2 3 4 5; do head -c 300000 /dev/zero; head -c 300000 /dev/zero | tr '\\0' x >&2; done",
)
# Every process of the shell that is kept: sshd gives each channel a session, and so a group, of its own.
ENDS_ITS_SHELL = "kill -s KILL -- -$(cut -d' ' -f5 /proc/self/stat)"

connector: Any = host.connector
start = connector._start
channels: list[str] = []


def by_itself(as_root: bool, command: str) -> tuple[int, bytes, bytes]:
    raw, _, password, _ = connector._compose(StringCommand(command), {"_sudo": as_root})
    running = start(raw, False)
    gevent.spawn(streams.feed, running.stdin, password, None)
    errors = gevent.spawn(running.stderr.read)
    output = running.stdout.read()
    return running.wait(), output, errors.get()


def in_the_kept_shell(as_root: bool, command: str) -> tuple[int, bytes, bytes]:
    _, shown, _, inner = connector._compose(StringCommand(command), {"_sudo": as_root})
    answer = connector._in_kept_shell(shown, inner, as_root)
    return answer.status, answer.stdout, answer.stderr


def alike(kept: tuple[int, bytes, bytes], alone: tuple[int, bytes, bytes]) -> bool:
    """Paramiko knows no number of the signal that ended a command, a shell has it: 128 and the signal's."""
    return kept[1:] == alone[1:] and (kept[0] == alone[0] or (alone[0] == -1 and kept[0] > 128))


def compared(as_root: bool, commands: list[str]) -> list[str]:
    """Those of `commands` that do not say the same both ways, with what they say."""
    alone = gevent.spawn(Pool(AT_ONCE).map, lambda command: by_itself(as_root, command), commands)
    kept = []
    for number, command in enumerate(commands):
        if number % 200 == 199:
            ended = in_the_kept_shell(as_root, ENDS_ITS_SHELL)
            assert ended[0] == -1 and b"ended its own shell" in ended[2], ended
        kept.append(in_the_kept_shell(as_root, command))
    pairs = zip(commands, kept, alone.get(), strict=True)
    return [f"{command!r:.500}: {one!r:.300} {other!r:.300}" for command, one, other in pairs if not alike(one, other)]


def counted(raw: str, pty: bool) -> Any:
    channels.append(raw)
    return start(raw, pty)


connector._start = counted
source = random.Random(host.data.seed)
different = [
    line
    for as_root in (True, False)
    for line in compared(as_root, [random_commands.command(source) for _ in range(host.data.number // 2)] + [*BIG])
]
Path(host.data.report).write_text(json.dumps({"different": different, "channels": channels}))
