"""Which commit a folder has checked out; pyinfra's git facts know branches alone."""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes


@dataclass(frozen=True)
class Copy:
    """A working copy: its commit (empty: none is there), and whether a file of it was changed."""

    commit: str = ""
    changed: bool = False


class WorkingCopy(Fact[Copy]):
    """The working copy in `folder`."""

    default = Copy

    def command(self, folder: str) -> StringCommand:
        git = ["git", "-C", folder]
        return probes(
            commit=[*git, "rev-parse", "HEAD"], changed=[*git, "status", "--porcelain", "--untracked-files=no"]
        )

    def read(self, found: dict[str, str]) -> Copy:
        return Copy(found["commit"], bool(found["changed"]))
