"""Encrypted backups in a folder, and to whom they are encrypted.

pyinfra has no fact for a folder's files.
"""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probes, shell

# Public, unlike the key in the cluster folder that opens the backups.
RECIPIENT = "/etc/kubernetes/openpai-backup-recipient"


@dataclass(frozen=True)
class Kept:
    """The names of backups, the newest last, and the recipient of those that this host makes."""

    names: tuple[str, ...] = ()
    recipient: str = ""


class Backups(Fact[Kept]):
    """The backups in `folder`."""

    default = Kept

    def command(self, folder: str) -> StringCommand:
        return probes(names=shell('cd -- "$1" && ls', folder), recipient=["cat", RECIPIENT])

    def read(self, found: dict[str, str]) -> Kept:
        names = sorted(name for name in found["names"].splitlines() if name.endswith(".age"))
        return Kept(tuple(names), found["recipient"])
