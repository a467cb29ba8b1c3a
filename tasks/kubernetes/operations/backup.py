"""Backups of the control plane: encrypted on the master, kept on the dev box, put onto a new master.

pyinfra has no operations for any of it.
"""

from pathlib import Path
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from cluster import Cluster, Problem
from cluster.files import write_atomically
from tasks.kubernetes.facts.backups import RECIPIENT, RESTORING, Backups, Restoring
from tasks.kubernetes.facts.node import CA, ETCD_DATA, KubernetesNode
from tasks.kubernetes.operations.control_plane import CONFIG
from tasks.reach import Commands, ask, cluster_host, complain, copied, quoted, script, stop, the_dev_box, the_master
from tasks.systemd import ServiceState

FOLDER = "/var/backups/openpai-deploy/backups"
MASTERS_UNIT, DEV_BOXS_UNIT = "openpai-backup", "openpai-backup-fetch"
# In the cluster folder: what opens the backups.
KEY = "backup.key"
_PUBLIC = "# public key: "


def recipient_in(key: Path) -> str:
    """The recipient that age-keygen has written into a key's file beside the key; empty where there is none."""
    lines = key.read_text(encoding="utf-8").splitlines() if key.exists() else []
    return next((line.removeprefix(_PUBLIC) for line in lines if line.startswith(_PUBLIC)), "")


def opener(cluster: Cluster) -> Path:
    """The file of the key that opens the backups: the operator's --data backup_key=FILE, or the cluster folder's."""
    named = host.data.get("backup_key")
    return Path(str(named)) if named else cluster.folder / KEY


def without(key: Path) -> Problem:
    """Nothing opens the backups."""
    return Problem(
        f"{key} is not there, which opens the backups", "name its copy: --data backup_key=FILE", cause="backup-key"
    )


@operation()
def recipient_known(cluster: Cluster, recipient: str | None) -> Commands:
    """Have on the master to whom backups are encrypted: `recipient`, or a key made for it in the cluster folder.

    A file of a key is never replaced.
    """
    key = cluster.folder / KEY
    wanted = recipient or recipient_in(key)
    if not wanted and key.exists():
        line = f"add it as its first line; the command `age-keygen -y {key}` says what belongs behind the colon"
        yield stop(Problem(f"{key} has no line `{_PUBLIC}age1...`", line, cause="backup-key"))
    elif not wanted or host.get_fact(Backups, folder=FOLDER).recipient != wanted:
        yield FunctionCommand(_made_known, (key, wanted), {})


def _made_known(state: Any, host: Any, key: Path, recipient: str) -> bool:
    try:
        if not recipient:
            # Its output alone has the secret half: nothing of it is written there.
            write_atomically(key, ask(host, "age-keygen 2>/dev/null").strip() + "\n")
            recipient = recipient_in(key)
            host.log(f"{key} opens the backups from now on; keep a copy of it elsewhere", logger.warning)
        path, part = QuoteString(RECIPIENT), QuoteString(f"{RECIPIENT}.part")
        ask(host, StringCommand("cat >", part, "&& chmod 644", part, "&& mv", part, path), stdin=f"{recipient}\n")
    except (PyinfraError, OSError) as error:
        return complain(state, host, f"no key for backups: {error}", cause="backup-key")
    return True


@operation()
def taken() -> Commands:
    """Have a backup on the master of the cluster that it has now, to be opened by who is known now.

    Later ones are its timer's.
    """
    if not host.get_fact(Backups, folder=FOLDER).current:
        yield _started(MASTERS_UNIT)


@operation(is_idempotent=False)
def now(unit: str) -> Commands:
    """Have a backup made, or fetched, whatever there is; `unit` is there since a deploy."""
    if not host.get_fact(ServiceState, unit=f"{unit}.service", files=[]).loaded:
        yield stop(Problem("backups are not set up here", "run the deploy first", cause="backups-not-set-up"))
        return
    yield _started(unit)


def _started(unit: str) -> StringCommand:
    """Run a unit to its end; where it fails, with its own last words."""
    name = QuoteString(f"{unit}.service")
    # Those of the program, whose name is the unit's; the last ones of all are systemd's.
    said = StringCommand("journalctl -n 3 --no-pager -o cat -u", name, "-t", QuoteString(unit), ">&2")
    return StringCommand("systemctl start", name, "2>/dev/null || {", said, "; exit 1; }")


@operation()
def collected(folder: str) -> Commands:
    """Have in `folder` on the dev box a backup of the cluster that the master has now; later ones are its timer's."""
    master = the_master(host)
    there = () if master in state.failed_hosts else master.get_fact(Backups, folder=FOLDER).current
    if there and not {*there} & {*host.get_fact(Backups, folder=folder).names}:
        yield _started(DEV_BOXS_UNIT)


def chosen(folder: str, backup: str | None) -> str:
    """The operator's `backup`, or the newest in the dev box's `folder`; empty where there is none."""
    names = the_dev_box(host).get_fact(Backups, folder=folder).names
    return backup or (names[-1] if names else "")


@operation()
def restorable(cluster: Cluster, folder: str, backup: str | None, confirmed: str | None) -> Commands:
    """Stop, before anything changes, where this host may not become the master as of `backup`, or the newest.

    That is where Kubernetes is on it, unless a restoration that was killed has left it; where the dev box's `folder`
    has no such backup, or nothing opens it; and where `confirmed` is not the cluster's name.
    """
    names, wanted = the_dev_box(host).get_fact(Backups, folder=folder).names, chosen(folder, backup)
    files, name = host.get_fact(KubernetesNode, node=cluster_host(host).name).files, cluster.folder.name
    if files and not (files <= {ETCD_DATA, CA} and host.get_fact(Restoring)):
        go_on = "go on with deploy.py; for a snapshot: tasks.kubernetes.restore"
        yield stop(Problem("Kubernetes is on this master already", go_on, cause="master-in-use"))
    elif wanted not in names:
        kept = ", ".join(names) or f"there are none in {folder}"
        yield stop(f"choose a backup with --data backup=FILE: {kept}", cause="snapshot-choice")
    elif not opener(cluster).is_file():
        yield stop(without(opener(cluster)))
    elif confirmed != name:
        as_of = f"this makes {cluster_host(host).name} the master of {name} as of {wanted}"
        yield stop(f"{as_of}; to go on: --data confirm={name}", cause="confirm-new-master")


@operation(is_idempotent=False)
def put_back(cluster: Cluster, folder: str, backup: str | None) -> Commands:
    """On a master that is no node yet: etcd's content and the authorities of `backup`, or the newest.

    `folder` is the dev box's; whether this may be is for restorable() to say.
    """
    wanted, master = chosen(folder, backup), cluster_host(host)
    path = f"{FOLDER}/{wanted}"
    yield StringCommand("install -d -m 700", QuoteString(FOLDER))
    yield FunctionCommand(copied, (the_dev_box(host), f"{folder}/{wanted}", path, "root"), {})
    program = script("kubernetes/restore-master.sh", path, master.name, master.address, CONFIG, RESTORING)
    said = "etcd's content and the authorities are in place; now: pyinfra INVENTORY deploy.py"
    yield FunctionCommand(opened, (program, opener(cluster), said), {})


def opened(state: Any, host: Any, program: StringCommand, key: Path, said: str) -> bool:
    """Run `program`, which opens a backup by the `key` that it gets by standard input; made for a FunctionCommand."""
    try:
        ask(host, program, stdin=key.read_text(encoding="utf-8"))
    except (PyinfraError, OSError) as error:
        return complain(state, host, f"the backup was not put back: {error}", cause="backup-not-opened")
    host.log(said)
    return True


def fetch(user: str, address: str, port: int, folder: str, keep: int) -> str:
    """The command line of the dev box's program, for its unit."""
    words: list[str | int] = ["/usr/local/sbin/openpai-backup-fetch", user, address, port, FOLDER, folder, keep]
    return quoted(words).get_raw_value().replace("%", "%%")
