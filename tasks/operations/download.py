"""Files from a URL with their SHA-256 sum, whole or not at all.

pyinfra's files.download needs curl or wget on the target, and puts an unchecked file in place before it checks it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from tasks.facts.binaries import SUMS, Binaries

# apt's helper is on every host and goes through apt's proxy.
FETCH = (
    "/usr/lib/apt/apt-helper -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "
    "download-file"
)


class Same(FactBase[bool]):
    """Whether the output of `edit` is what `path` holds."""

    default = bool

    def command(self, edit: str, path: str) -> str:
        return f"{edit} 2>/dev/null | cmp -s - {path} && echo same || :"

    def process(self, output: list[str]) -> bool:
        return output == ["same"]


@operation()
def file(
    url: str, path: str, sha256: str, mode: str = "644", remedy: str = "check the URL and the sum"
) -> Generator[Any]:
    """Have at `path` the file whose sum is `sha256`, from `url`."""
    if host.get_fact(Binaries, paths=[path]).sha256.get(path) != sha256:
        yield _fetch(url, path, sha256, mode, remedy)


@operation()
def binary(
    path: str, url: Callable[[str], str], sha256: Callable[[str], str | None], version: str, remedy: str
) -> Generator[Any]:
    """Have at `path` the program of the host's architecture (`url` and `sha256` are asked with amd64 or arm64).

    Where `sha256` knows none, the .sha256 file beside the program is taken and recorded, so that a later run needs no
    network to see that nothing changed.
    """
    installed = host.get_fact(Binaries, paths=[path])
    name, source = path.rpartition("/")[2], url(installed.arch)
    record = f"{name}-{version}"
    expected = sha256(installed.arch) or installed.recorded.get(record)
    if expected is None:
        new = f"{SUMS}/{record}.new"
        yield StringCommand(
            f"mkdir -p {SUMS} && {FETCH} {shlex.quote(source + '.sha256')} {new} >/dev/null && "
            f"sum=$(cut -c1-64 {new}) && rm -f {new} && "
            f"printf '%s\\n' \"$sum\" | grep -qE '^[0-9a-f]{{64}}$' && printf '%s\\n' \"$sum\" >{SUMS}/{record} "
            f"|| {{ echo {shlex.quote(f'no sum at {source}.sha256; {remedy}')} >&2; exit 1; }}"
        )
        expected = host.get_fact(Binaries, paths=[path]).recorded.get(record)
    if expected and installed.sha256.get(path) != expected:
        yield _fetch(source, path, expected, "755", remedy)


@operation()
def edited(source: str, path: str, replaced: dict[str, str]) -> Generator[Any]:
    """Have at `path` the text of `source` with the keys of `replaced` (plain text, no `|`) turned into their values."""
    patterns = [f"s|{re.escape(old)}|{new}|" for old, new in replaced.items()]
    edit = " ".join(["sed", *(f"-e {shlex.quote(one)}" for one in patterns or ["s|^||"]), shlex.quote(source)])
    if host.get_fact(Same, edit=edit, path=path):
        return
    yield StringCommand(f"{edit} >{path}.new && mv -f {path}.new {path}")


def _fetch(url: str, path: str, sha256: str, mode: str, remedy: str) -> StringCommand:
    new = f"{path}.new"
    missing = shlex.quote(f"{url} could not be fetched; {remedy}")
    wrong = shlex.quote(f"{url} is not what was expected: not sha256 {sha256}, but")
    return StringCommand(
        f"mkdir -p $(dirname {path}) && rm -f {new}; "
        f"{FETCH} {shlex.quote(url)} {new} >/dev/null || {{ rm -f {new}; echo {missing} >&2; exit 1; }}; "
        f"sum=$(sha256sum <{new} | cut -c1-64); "
        f'if [ "$sum" = {sha256} ]; then chmod {mode} {new} && mv -f {new} {path}; '
        f'else rm -f {new}; echo {wrong} "$sum;" {shlex.quote(remedy)} >&2; exit 1; fi'
    )
