"""What a shell makes of a command's text, found out without running it."""

from __future__ import annotations

import itertools
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache

from tasks.reach import FILES

_FILES = tuple(path.read_text() for path in FILES.glob("*/*"))


def _is_file(text: str) -> bool:
    """True of a program of files/, which has no caller's texts, and in whose comments an apostrophe is no quote."""
    return text.removesuffix("\nsection end :").endswith(_FILES)


@cache
def words_of(text: str) -> tuple[str, ...]:
    """The words of a command, without what joins them (`;`, `&&`, `|`, `>`, brackets); ValueError: a quote is open."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return tuple(lexer)


def _given_to_shells(text: str) -> Iterator[tuple[str, str]]:
    """The words of `text` that are programs themselves, each with what the shell that runs it gets."""
    words = words_of(text)
    for number, word in enumerate(words):
        before = words[:number]
        unit = "systemd-run" in before or before[-5:-4] == ("kubespray/run.sh",)
        if before[-2:] == ("sh", "-c") or before[-5:-4] == ("kubespray/run.sh",):
            # In a unit's command line systemd turns `$$` into `$`, and a `$` alone into something of its own.
            yield word, word.replace("$$", "\0").replace("$", "").replace("\0", "$") if unit else word


@cache
def programs(text: str) -> tuple[str, ...]:
    """`text` and every program in it, and in these."""
    if _is_file(text):
        return (text,)
    inner = (programs(program) for _, program in _given_to_shells(text))
    return (text, *(each for found in inner for each in found))


_CHECK = """for text; do printf '%s' "$text" | sh -n || { printf 'in: %s\\n' "$text" >&2; exit 1; }; done"""
_sound: set[str] = set()


def refused(*texts: str) -> str:
    """What `sh -n` has against one of `texts` or a program in them, and that; empty where all is well.

    What was well once is not asked about again, and all others by one shell: a process of Python's takes its time.
    """
    new = {program for text in texts for program in programs(text)} - _sound
    if not new:
        return ""
    done = subprocess.run(["sh", "-c", _CHECK, "sh", *new], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 0:
        _sound.update(new)
    return done.stderr


def words_in(text: str) -> set[str]:
    """The words of `text` and of every program in it, but the programs themselves."""
    found: set[str] = set()
    for program in itertools.filterfalse(_is_file, programs(text)):
        found |= set(words_of(program)).difference(word for word, _ in _given_to_shells(program))
    return found
