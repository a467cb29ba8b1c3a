"""Many probes in one command: a shell function that marks each probe's output, and the parser of the marks.

An SSH exec costs some 50 ms, most of it channel set-up; a fact made of ten probes should cost one of them. What a login
shell prints before the first mark belongs to no probe.
"""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from tasks.reach.script import quoted, text

# `section NAME COMMAND...` prints a mark and the command's standard output. A probe that fails leaves an empty section:
# what is missing on a host is information, not an error.
# `in_shell TEXT ARGUMENT...` is `sh -c TEXT sh ARGUMENT...` without a process that is made anew.
_SECTION = r"""section() { printf '\n@@ %s\n' "$1"; shift; LC_ALL=C "$@" 2>/dev/null || :; }
in_shell() ( export LC_ALL=C; text=$1; shift; eval "$text" )"""
# The last section, which is empty: without it the answer was cut off.
END = "end"


def probes(**commands: Iterable[str | int]) -> StringCommand:
    """The command of a fact: each of `commands` (words, quoted here) in a section of its name."""
    each = [StringCommand("section", name, quoted(words)) for name, words in commands.items()]
    return StringCommand(_SECTION, *each, f"section {END} :", _separator="\n")


def shell(text: str, *arguments: str | int) -> list[str | int]:
    """A probe that takes a shell to say: `text` finds the `arguments` in $1 and so on."""
    return ["in_shell", text, *arguments]


def probe_script(name: str, *arguments: str | int) -> StringCommand:
    """The command of a fact whose probes are the program files/`name`; section() is defined before it."""
    whole = f"{_SECTION}\n{text(name)}\nsection {END} :"
    return quoted(["sh", "-c", whole, name, *arguments])


def parse_sections(output: Iterable[str]) -> dict[str, str]:
    """Sections by name, without the blank line that precedes each mark."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output:
        if line.startswith("@@ "):
            current = found.setdefault(line[3:], [])
        else:
            current.append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
