"""Files that only their owner may read, as secrets are in them; and that there is something to log in with."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cluster.config import Config
from cluster.files import CONFIG, DEPLOYED, PLACEHOLDER, ConfigFile
from cluster.problems import WARNING, Place, Problem

# The environment's word for the password (cluster/secrets.py), and the folder's own key.
ENVIRONMENT = "OPENPAI_PASSWORD"
KEY = "id_ed25519"
_PRIVATE = ("secrets.yaml", KEY, DEPLOYED)


def check_permissions(folder: Path, file: ConfigFile) -> Iterator[Problem]:
    """What others may read that only the operator should: the config, the SSH key, the folder's private files."""
    if file.holds_secret and (mode := _open_mode(folder / CONFIG)):
        found = f"holds a password and others can read it (mode {mode:04o})"
        yield Problem(found, f"run: chmod 600 {folder / CONFIG}", Place(CONFIG), cause="file-mode")
    if file.config and file.config.ssh_key_file_path:
        yield from _key(file.config.ssh_key_file_path, file.place("ssh_key_file_path"))
    if file.config and not _can_log_in(folder, file.config):
        found = "no password, no key and no agent: nothing to log in to the hosts with"
        fix = f"set password, ssh_key_file_path or {ENVIRONMENT}, or ask_password: true"
        yield Problem(found, fix, Place(CONFIG), WARNING, cause="no-login")
    for name in _PRIVATE:
        if (folder / name).is_file() and (mode := _open_mode(folder / name)):
            yield Problem(
                f"others can read it (mode {mode:04o})",
                f"run: chmod 600 {folder / name}",
                Place(name),
                cause="file-mode",
            )


def _can_log_in(folder: Path, config: Config) -> bool:
    """Whether this side has anything that the hosts could let in, as the deploy looks for it."""
    given = config.password or config.ask_password or config.ssh_key_file_path
    from_outside = os.environ.get(ENVIRONMENT) or os.environ.get("SSH_AUTH_SOCK")
    return bool(given or from_outside or (folder / KEY).is_file() or any(Path.home().glob(".ssh/id_*")))


def _key(text: str, place: Place) -> Iterator[Problem]:
    """What is wrong with the private key that the config names."""
    path = Path(text)
    if PLACEHOLDER.fullmatch(text):
        return
    if not path.is_absolute():
        yield Problem(f"ssh_key_file_path {text} is relative", "write it from / or ~/ on", place, cause="ssh-key-file")
    elif not path.is_file():
        yield Problem(
            f"ssh_key_file_path {text}: no such file",
            "correct it, or make the key: ssh-keygen",
            place,
            cause="ssh-key-file",
        )
    elif mode := _open_mode(path):
        found = f"ssh_key_file_path {text}: others can read it (mode {mode:04o}), so ssh refuses it"
        yield Problem(found, f"run: chmod 600 {path}", place, cause="file-mode")


def _open_mode(path: Path) -> int:
    """The mode of `path` when its group or others may do anything with it, else 0."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & 0o077 else 0
