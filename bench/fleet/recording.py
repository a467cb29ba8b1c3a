"""What lab hosts say in a run that changes nothing, and the same as another host of the same role would say it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.api import Lab

RECORDER = Path(__file__).with_name("record.sh")
SH = "/usr/local/bin/sh"
"""Found before /bin/sh by a login's PATH and by sudo's."""
FOLDER = "/var/tmp/recorded"


@dataclass(frozen=True)
class Saying:
    """A command that a host was given and what came of it."""

    command: str
    stdout: str
    stderr: str
    status: int

    @property
    def is_snapshot(self) -> bool:
        """Whether it is preflight's program, whose answer has the time of asking in it."""
        return "@@@ start\n" in self.stdout and "@@@ end\n" in self.stdout

    def replaced(self, words: Mapping[str, str]) -> Saying:
        """The same with other words in command and answer: whole ones, `10.0.0.1` is not in `10.0.0.12`."""
        if not words:
            return self
        pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, words))})(?![\w]|\.\d)")

        def spoken(text: str) -> str:
            return pattern.sub(lambda found: words[found[0]], text)

        return Saying(spoken(self.command), spoken(self.stdout), spoken(self.stderr), self.status)


def start(lab: Lab) -> None:
    """Have the lab's hosts record from here on, and forget what they have recorded before."""
    for host in lab.hosts:
        lab.run(
            host.name,
            f"rm -rf {FOLDER} && mkdir -m 1777 {FOLDER} && cat >{SH} && chmod 755 {SH}",
            RECORDER.read_text(),
            check=True,
        )


def stop(lab: Lab) -> None:
    """Have the lab's hosts record no more."""
    for host in lab.hosts:
        lab.run(host.name, f"rm -f {SH}", check=True)


def sayings(lab: Lab, host: str) -> list[Saying]:
    """What a host has said, of each command the last."""
    found = {}
    finished = (path.parent for path in (lab.root(host) / FOLDER[1:]).glob("*/status"))
    for folder in sorted(finished, key=lambda each: each.stat().st_mtime):
        texts = {each: (folder / each).read_text(errors="replace") for each in ("command", "stdout", "stderr")}
        found[texts["command"]] = Saying(**texts, status=int((folder / "status").read_text()))
    return list(found.values())


def program(sayings: list[Saying], peers: list[str]) -> str:
    """A program in the place of `sh` that repeats `sayings`, and is the real one for anything else.

    `peers` are the ADDRESS:PORT that preflight asks for, all of which are found to answer.
    """
    return "\n".join(
        [
            "#!/bin/dash",
            'if [ $# != 2 ] || [ "$1" != -c ]; then exec /bin/dash "$@"; fi',
            "case $2 in",
            *(line for one in sayings for line in _branch(one, peers)),
            "esac",
            'exec /bin/dash "$@"',
            "",
        ]
    )


def _branch(said: Saying, peers: list[str]) -> Iterator[str]:
    yield f"{shlex.quote(said.command)})"
    if said.is_snapshot:
        yield "cat >/dev/null"
        answers = "".join(f"{peer} ok\n" for peer in peers)
        text = re.sub(r"(@@@ peers\n).*?(?=@@@ )", rf"\g<1>{answers}\n", said.stdout, flags=re.DOTALL)
        for part in re.split(r"((?:@@@ start|@@@ end)\n)\d+", text):
            yield f"printf %s {shlex.quote(part)}"
            if part in ("@@@ start\n", "@@@ end\n"):
                yield "printf %s $(date +%s%3N)"
    else:
        yield f"printf %s {shlex.quote(said.stdout)}"
    if said.stderr:
        yield f"printf %s {shlex.quote(said.stderr)} >&2"
    yield f"exit {said.status};;"
