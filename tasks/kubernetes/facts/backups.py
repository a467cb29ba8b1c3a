"""Encrypted backups in a folder, to whom they are encrypted, and by what; a restoration that was begun.

pyinfra has no fact for a folder's files.
"""

import re
from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import CA
from tasks.reach import Fact, probes, shell

# Public, unlike the key in the cluster folder that opens the backups.
RECIPIENT = "/etc/kubernetes/openpai-backup-recipient"
NAME = re.compile(r"\d{8}T\d{6}Z\.age")
# What a restoration works in; with the file, it has begun to put data in place and has not come to its end.
RESTORING = "/var/lib/openpai-deploy/restore"
PLACING = f"{RESTORING}/placing"


@dataclass(frozen=True)
class Kept:
    """The names of backups, the newest last; of a master also to whom it encrypts them, whether it has age, and the
    `current` ones: those of the cluster that it has now, for whom it encrypts now."""

    names: tuple[str, ...] = ()
    recipient: str = ""
    current: tuple[str, ...] = ()
    age: bool = False


class Backups(Fact[Kept]):
    """The backups in `folder`."""

    default = Kept

    def command(self, folder: str) -> StringCommand:
        newer = 'cd -- "$1" && find . -name "*.age" -newer "$2" -newer "$3"'
        return probes(
            names=shell('cd -- "$1" && ls', folder),
            recipient=["cat", RECIPIENT],
            current=shell(newer, folder, RECIPIENT, CA),
            age=shell("command -v age"),
        )

    def read(self, found: dict[str, str]) -> Kept:
        current = found["current"].replace("./", "")
        return Kept(_backups(found["names"]), found["recipient"], _backups(current), bool(found["age"]))


def _backups(listed: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in listed.splitlines() if NAME.fullmatch(name)))


class Restoring(Fact[bool]):
    """Whether a restoration was killed while it put data in place."""

    default = bool

    def command(self) -> StringCommand:
        return probes(placing=["ls", PLACING])

    def read(self, found: dict[str, str]) -> bool:
        return {PLACING: True, "": False}[found["placing"]]
