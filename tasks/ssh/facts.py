"""A user's SSH files, read as root.

pyinfra has no fact for a user's own key pair.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand

from tasks.reach import SECTION, parse_sections


@dataclass(frozen=True)
class SshFiles:
    """A user's home, public key (ed25519 first), authorised keys and known hosts by line; the sudoers drop-in."""

    home: str = ""
    public_key: str = ""
    authorized_keys: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    sudoers: str = ""
    sudoers_mode: str = ""


class Ssh(FactBase[SshFiles]):
    """The SSH files of `user`, and the content of the sudoers drop-in `sudoers`, in one command."""

    default = SshFiles

    def command(self, user: str, sudoers: str) -> StringCommand:
        return StringCommand(
            f"{SECTION}\nu=", QuoteString(user), '; h=$(getent passwd "$u" | cut -d: -f6)\n'
            'section home printf %s "$h"\n'
            'section public sh -c \'cat "$1/.ssh/id_ed25519.pub" || cat "$1"/.ssh/id_*.pub\' sh "$h"\n'
            'section authorized cat "$h/.ssh/authorized_keys"\n'
            'section known cat "$h/.ssh/known_hosts"\n'
            f"section sudoers cat {sudoers}\nsection mode stat -c '%a %U:%G' {sudoers}",
            _separator="",
        )  # fmt: skip

    def process(self, output: list[str]) -> SshFiles:
        found = parse_sections(output)
        public = found["public"].splitlines()
        return SshFiles(
            home=found["home"],
            public_key=public[0] if public else "",
            authorized_keys=tuple(found["authorized"].splitlines()),
            known_hosts=tuple(found["known"].splitlines()),
            sudoers=found["sudoers"],
            sudoers_mode=found["mode"],
        )


class Account(FactBase[tuple[str, str]]):
    """Name and home of the login account; asked with `_sudo=False`."""

    @staticmethod
    def default() -> tuple[str, str]:
        return ("root", "/root")

    def command(self) -> str:
        return 'id -un; echo "$HOME"'

    def process(self, output: list[str]) -> tuple[str, str]:
        return (output[0], output[1])
