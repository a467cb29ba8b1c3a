"""Commands of facts that one process can answer for many of them, and what each would have said by itself.

pyinfra asks for every file by itself, by a shell that starts stat or sha1sum: 3 ms of a host's processor time for each,
and a run that changes nothing asks a worker for some thirty. A command is recognised by being the fact's own for some
plain words, to the letter; one that is not, and all of those whose common answer is not understood, are asked by
themselves.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from pyinfra.api import StringCommand
from pyinfra.connectors.util import make_unix_command
from pyinfra.facts.files import LINUX_STAT_COMMAND, File, Sha1File

from tasks.reach.answers import Answer

# Stands for a command's words where its text is looked at; like them, it is what a shell takes as it is.
PLACE = "/PLACE"


class Together:
    """A kind of command that has the same text for all words but for these."""

    def __init__(self, command: StringCommand, words: str):
        """`command` has PLACE for its words; `words` is the pattern of those that a shell takes as they are."""
        self._text = make_unix_command(command).get_raw_value()
        self._before, self._after = self._text.split(PLACE)[:2]
        self._words = re.compile(words, re.ASCII)

    def words_of(self, command: str) -> str | None:
        """The words of `command`; None where it is of another kind."""
        if not command.startswith(self._before):
            return None
        words = command[len(self._before) :].partition(self._after)[0]
        return words if self._words.fullmatch(words) and self.command_of(words) == command else None

    def command_of(self, words: str) -> str:
        """The command that has these words."""
        return self._text.replace(PLACE, words)

    def question(self, asked: list[str]) -> str:
        """The one command for all of the words in `asked`."""
        raise NotImplementedError

    def answers(self, asked: list[str], said: Answer) -> Iterator[Answer | None]:
        """What the commands of `asked` say, by what question() has said: None of one that is to be asked by itself."""
        raise NotImplementedError


class _OfFiles(Together):
    """A line for each file that is there, by one program."""

    def __init__(self, command: StringCommand, program: str, there: str, unclear: str):
        """`program` prints a line for each file, `there` is the shell's test for those that it is run for.

        For those of the test `unclear` the command is run by itself; for others it prints nothing.
        """
        super().__init__(command, r"/[\w./+:@%,=-]*")
        self._program = f"""state=
for path; do
    shift
    if {there}; then
        state=${{state}}y
        set -- "$@" "$path"
    elif {unclear}; then state=${{state}}u; else state=${{state}}n; fi
done
echo "$state"
[ $# = 0 ] || {program} "$@\""""

    def question(self, asked: list[str]) -> str:
        program = f"set -- {' '.join(asked)}\n{self._program}"
        return f"sh -c {shlex.quote(program)}"  # as the command of any fact: who stands in for `sh` sees it

    def answers(self, asked: list[str], said: Answer) -> Iterator[Answer | None]:
        state, *lines = said.stdout.split(b"\n")
        if said.status or said.stderr or len(state) != len(asked) or len(lines) != state.count(b"y") + 1:
            raise ValueError("no line for each file that is there")
        there = iter(lines)
        for each in state.decode():
            yield None if each == "u" else Answer(0, next(there) + b"\n" if each == "y" else b"", b"")


# Those of all runs; who has a fact of such a kind appends it.
KINDS: list[Together] = [
    _OfFiles(File().command(PLACE), LINUX_STAT_COMMAND, '[ -e "$path" ] || [ -L "$path" ]', "false"),
    # A pipe would hold the sums of all others.
    _OfFiles(Sha1File().command(PLACE), "sha1sum", '[ -f "$path" ]', '[ -e "$path" ]'),
]


def _shared(commands: list[str]) -> dict[Together, dict[str, str]]:
    """Those of `commands` that are asked together, by kind and words; one that is alone of its kind is not."""
    found: dict[Together, dict[str, str]] = {}
    for command in commands:
        for kind in KINDS:
            if words := kind.words_of(command):
                found.setdefault(kind, {})[words] = command
                break
    return {kind: each for kind, each in found.items() if len(each) > 1}


def questions(commands: list[str]) -> list[str]:
    """What a host is sent for `commands`."""
    shared = _shared(commands)
    together = {command for each in shared.values() for command in each.values()}
    return [
        *(command for command in commands if command not in together),
        *(kind.question(list(each)) for kind, each in shared.items()),
    ]


def answers(ask: Callable[[list[str]], dict[str, Answer]], commands: list[str]) -> dict[str, Answer]:
    """What `commands` say, by `ask`, which runs commands on a host."""
    said, shared = ask(questions(commands)), _shared(commands)
    if not said:  # there is nobody to be asked
        return said
    for kind, each in shared.items():
        answer = said.pop(kind.question(list(each)), None)
        try:
            found = list(kind.answers(list(each), answer)) if answer else []
        except ValueError:
            continue
        said |= {command: one for command, one in zip(each.values(), found, strict=False) if one}
    left = [command for each in shared.values() for command in each.values() if command not in said]
    return said | (ask(left) if left else {})
