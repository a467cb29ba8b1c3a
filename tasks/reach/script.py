"""Shell programs of files/ as commands: read, checked and edited as files, run without an upload."""

from __future__ import annotations

from functools import cache

from pyinfra.api import QuoteString, StringCommand

from tasks.reach.templates import FILES


@cache
def _text(name: str) -> str:
    return (FILES / name).read_text()


def script(name: str, *arguments: str | int) -> StringCommand:
    """The POSIX shell program files/`name` as one command: `sh -c TEXT NAME ARGUMENT...`.

    The program finds the arguments in $1 and so on, whatever they contain; standard input, output and exit status are
    a command's as ever. What the program and Python both need to know (paths, limits) is an argument, never pasted in.
    """
    return StringCommand("sh", "-c", QuoteString(_text(name)), name, *(QuoteString(str(each)) for each in arguments))
