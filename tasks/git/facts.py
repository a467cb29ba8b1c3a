"""Which commit a folder has checked out; pyinfra's git facts know branches alone."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand

from tasks.reach import SECTION, parse_sections


@dataclass(frozen=True)
class Copy:
    """A working copy: its commit (empty: none is there), and whether a file of it was changed."""

    commit: str = ""
    changed: bool = False


class WorkingCopy(FactBase[Copy]):
    """The working copy in `folder`."""

    default = Copy

    def command(self, folder: str) -> StringCommand:
        return StringCommand(
            f"{SECTION}\ncd ", QuoteString(folder), " 2>/dev/null || cd /\n"
            "section commit git rev-parse HEAD\n"
            "section changed git status --porcelain --untracked-files=no",
            _separator="",
        )  # fmt: skip

    def process(self, output: list[str]) -> Copy:
        found = parse_sections(output)
        return Copy(found["commit"], bool(found["changed"]))
