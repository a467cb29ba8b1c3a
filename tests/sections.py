"""Facts' answers as a host gives them (tasks/reach/sections.py), made of their sections' texts."""

from __future__ import annotations


def sections(**texts: str) -> list[str]:
    """The lines of an answer with these sections, to its end."""
    return [line for name, text in {**texts, "end": ""}.items() for line in ("", f"@@ {name}", *text.splitlines())]
