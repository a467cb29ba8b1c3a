"""A user's SSH files, read as root.

pyinfra has no fact for a user's own key pair.
"""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probe_script, probes, shell

SUDOERS = "/etc/sudoers.d/90-openpai-deploy"


@dataclass(frozen=True)
class SshFiles:
    """A user's home, public key (ed25519 first), authorised keys and known hosts by line; the sudoers drop-in."""

    home: str = ""
    public_key: str = ""
    authorized_keys: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    sudoers: str = ""
    sudoers_mode: str = ""


class Ssh(Fact[SshFiles]):
    """The SSH files of `user`, and the content of this project's drop-in for sudo, in one command."""

    default = SshFiles

    def command(self, user: str) -> StringCommand:
        return probe_script("ssh/files.sh", user, SUDOERS)

    def read(self, found: dict[str, str]) -> SshFiles:
        public = found["public"].splitlines()
        return SshFiles(
            home=found["home"],
            public_key=public[0] if public else "",
            authorized_keys=tuple(found["authorized"].splitlines()),
            known_hosts=tuple(found["known"].splitlines()),
            sudoers=found["sudoers"],
            sudoers_mode=found["mode"],
        )


class Account(Fact[tuple[str, str]]):
    """Name and home of the login account; asked with `_sudo=False`."""

    @staticmethod
    def default() -> tuple[str, str]:
        return ("root", "/root")

    def command(self) -> StringCommand:
        return probes(name=["id", "-un"], home=shell('echo "$HOME"'))

    def read(self, found: dict[str, str]) -> tuple[str, str]:
        return found["name"], found["home"]
