"""Shell programs of files/ as commands: read, checked and edited as files, run without an upload."""

from collections.abc import Generator, Iterable
from functools import cache
from typing import Any

from pyinfra.api import QuoteString, StringCommand

from tasks.reach.templates import FILES

# What an operation yields: pyinfra's commands.
Commands = Generator[Any]
# Before a program that talks to the cluster's own API: PAM hands the proxies of /etc/environment to every login, and on
# Ubuntu to sudo; the API server is not behind them, and kubeadm would write them into the control plane's pods. The
# programs of files/ unset them themselves.
DIRECT = "env " + " ".join(
    f"-u {name} -u {name.upper()}" for name in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
)


@cache
def text(name: str) -> str:
    """The program files/`name`."""
    return (FILES / name).read_text()


def program(name: str, *arguments: str | int, library: str = "") -> list[str | int]:
    """The words of a command that runs the POSIX shell program files/`name`: `sh -c TEXT NAME ARGUMENT...`.

    The program finds the arguments in $1 and so on, whatever they contain; standard input, output and exit status are
    a command's as ever. What the program and Python both need to know (paths, limits) is an argument, never pasted in.
    `library` is another file, of functions for this one.
    """
    whole = f"{text(library)}\n{text(name)}" if library else text(name)
    return ["sh", "-c", whole, name, *arguments]


def script(name: str, *arguments: str | int, library: str = "") -> StringCommand:
    """The command of program(), its words quoted."""
    return quoted(program(name, *arguments, library=library))


def quoted(words: Iterable[str | int]) -> StringCommand:
    """The command of these words, each of them quoted."""
    return StringCommand(*(QuoteString(str(word)) for word in words))
