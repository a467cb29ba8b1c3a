"""Many probes in one command: a shell function that marks each probe's output, and the parser of the marks.

An SSH exec costs some 50 ms, most of it channel set-up; a fact made of ten probes should cost one of them.
"""

from __future__ import annotations

# `section NAME COMMAND...` prints a mark and the command's standard output. A probe that fails leaves an empty section:
# what is missing on a host is information, not an error.
SECTION = r"""section() { printf '\n@@ %s\n' "$1"; shift; LC_ALL=C "$@" 2>/dev/null || :; }"""


def parse_sections(output: list[str]) -> dict[str, str]:
    """Sections by name, without the blank line that precedes each mark."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output:
        if line.startswith("@@ "):
            current = found.setdefault(line[3:], [])
        else:
            current.append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
