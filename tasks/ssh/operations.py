"""Keys, authorised keys, pinned host keys and password-free sudo for one user.

pyinfra's server.user_authorized_keys and files.line write these files in place and know neither key pairs made on the
host nor a sudoers file checked before it counts.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from gevent.lock import BoundedSemaphore
from pyinfra import host, inventory
from pyinfra.api import FunctionCommand, Host, StringCommand, operation

from tasks.reach import Commands, planning, program, script, show_diff, stop
from tasks.ssh.facts import SUDOERS, Ssh

# Every host wants the dev box's key at once, and its sshd takes ten sessions a connection: one asks, for all of them.
_turn = BoundedSemaphore()
_dev_box_keys: WeakKeyDictionary[Host, str] = WeakKeyDictionary()


@operation()
def operator_key(path: str) -> Commands:
    """Make the key pair `path` on this machine if it is missing; an existing one is never touched."""
    if Path(path).exists():
        return

    def make(state: Any, host: Host) -> bool:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "openpai-deploy", "-f", path]
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0

    yield FunctionCommand(make, (), {})


@operation()
def key_pair(user: str) -> Commands:
    """Give `user` an ed25519 key pair on the host if there is none of any type (guide, dev box, step 1)."""
    if not host.get_fact(Ssh, user=user).public_key:
        yield _at_home(user, "ssh/make-key-pair.sh", user)


@operation()
def authorized(user: str, identity: str) -> Commands:
    """Authorise for `user` the key of the dev box and the one that this side logs in with (`identity`)."""
    (dev_box,) = inventory.get_group("dev_box")
    files = host.get_fact(Ssh, user=user)
    if not files.home:
        yield stop(
            f"there is no user {user}; make the account of the config's `user`, with sudo, on this host",
            cause="user-missing",
        )
        return
    keys = {"this side's": _public(identity)}
    if dev_box.name != host.name:
        keys["the dev box's"] = _dev_box_key(dev_box, user)
    absent = [whose for whose, key in keys.items() if not key]
    have = {_key(line) for line in files.authorized_keys}
    missing = [key for key in keys.values() if _key(key) not in have]
    # While planning, the keys that the run itself will make are absent.
    if absent and not planning():
        yield stop(
            f"no public key to authorise: {' and '.join(absent)}; see why making it failed, then run again",
            cause="ssh-key-missing",
        )
    elif missing:
        yield from _add(f"{files.home}/.ssh/authorized_keys", user, files.authorized_keys, missing)


@operation()
def known(user: str, pinned: str) -> Commands:
    """Give `user` the pinned host keys of the file `pinned` (on this machine) as known hosts."""
    files = host.get_fact(Ssh, user=user)
    have = set(files.known_hosts)
    missing = [line for line in Path(pinned).read_text().splitlines() if line and line not in have]
    if missing:
        yield from _add(f"{files.home}/.ssh/known_hosts", user, files.known_hosts, missing)


@operation()
def sudo_without_password(user: str) -> Commands:
    """Let `user` use sudo without a password; the drop-in is checked by visudo before it counts."""
    line = f"{user} ALL=(ALL) NOPASSWD:ALL"
    files = host.get_fact(Ssh, user=user)
    present = files.sudoers.strip()
    if present == line and files.sudoers_mode == "440 root:root":
        return
    show_diff(SUDOERS, _text(present.splitlines()), _text([line]))
    yield script("ssh/write-sudoers.sh", SUDOERS, line)


def _public(identity: str) -> str:
    """The public half of the private key `identity` on this machine; empty when there is none or it is encrypted."""
    if not Path(identity).exists():
        return ""
    beside = Path(f"{identity}.pub")
    if beside.exists():
        return beside.read_text().strip()
    command = ["ssh-keygen", "-y", "-P", "", "-f", identity]
    made = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return made.stdout.strip()


def _dev_box_key(dev_box: Host, user: str) -> str:
    """The dev box's public key; empty when the dev box cannot be asked."""
    if not dev_box.connected:
        return ""
    with _turn:
        if not _dev_box_keys.get(dev_box):  # while planning there may be none yet
            _dev_box_keys[dev_box] = dev_box.get_fact(Ssh, user=user).public_key
        return _dev_box_keys[dev_box]


def _key(line: str) -> str:
    """The key itself of a public key line, without options and comment."""
    words = line.split()
    return next((word for word in words if word.startswith("AAAA")), line)


def _add(path: str, owner: str, present: Iterable[str], lines: Iterable[str]) -> Commands:
    shown = [line or "(a key that this run will make)" for line in lines]
    show_diff(path, _text(present), _text([*present, *shown]))
    yield _at_home(owner, "ssh/add-lines.sh", path, owner, "\n".join(lines))


def _at_home(user: str, name: str, *arguments: str) -> StringCommand:
    """The program files/`name`, which writes to the home of `user`, where root may not be allowed to."""
    return script("ssh/at-home.sh", user, *program(name, *arguments))


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
