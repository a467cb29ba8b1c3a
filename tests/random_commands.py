"""Commands of any kind, to compare two ways of running them: as facts send them, and such as might break a frame."""

from __future__ import annotations

import random
import shlex

MARKS = ("@@@ 0 1 1", "@@@ 0 0 0", "@@@ 9 99 99", "@@@ openpai-deploy", "answer 'echo caught'")
PLAIN = (
    "printf 'no newline'", "echo line", "printf 'a\\0b'", "printf '\\377\\376\\n'", "echo said >&2", "cat", "exit 3",
    "false", "true", "exec 1>&2", "exec 2>&1", "cd /", "pwd", "umask", "echo \"$HOME\"", "trap 'echo bye' EXIT",
    "no-such-command", "kept=/; echo $kept", "if", "# a comment", "answer() { :; }", "echo $#-$1", "set -e", "set -u",
    "printf '%s\\n' 'Grüße, 世界'", "read -r line; echo \"read $?: $line\"", "sleep 0.02",
    "(unset PATH; no-such)", "ulimit -n",
    "x='it'\"'\"'s'; echo \"$x\"", "sh -c 'echo inner; exit 7'", "(exit 255)", "printf '\\r\\n\\r'",
    "printf '\\n\\n\\n'",
    "(sleep 0.05; echo late) >/dev/null 2>&1 &", "for i in 1 2 3; do echo $i; echo e$i >&2; done", "kill -TERM $$",
)  # fmt: skip


def command(source: random.Random) -> str:
    """One command of some lines, as pyinfra sends it: `sh -c PROGRAM`."""
    lines = [_line(source) for _ in range(source.randint(1, 4))]
    return f"sh -c {shlex.quote(chr(10).join(lines))}"


def _line(source: random.Random) -> str:
    kind = source.random()
    if kind < 0.6:
        return source.choice(PLAIN)
    if kind < 0.75:
        return f"echo {shlex.quote(source.choice(MARKS))}{source.choice(('', ' >&2'))}"
    if kind < 0.9:
        said = "".join(
            chr(source.choice((9, 10, 32, 39, 34, 36, 92, 96, source.randint(33, 0x2FFF)))) for _ in range(20)
        )
        return f"printf %s {shlex.quote(said)}"
    size = source.choice((1, 4096, 65536, 300_000))
    return f"head -c {size} /dev/zero" + source.choice((" | tr '\\0' x", "", " >&2"))
