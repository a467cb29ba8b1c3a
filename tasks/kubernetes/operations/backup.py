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
from tasks.kubernetes.facts.backups import RECIPIENT, Backups
from tasks.kubernetes.facts.node import KubernetesNode
from tasks.kubernetes.operations.control_plane import CONFIG
from tasks.reach import Commands, ask, cluster_host, copied, quoted, script, stop, the_dev_box, the_master
from tasks.systemd import ServiceState

FOLDER = "/var/backups/openpai-deploy/backups"
MASTERS_UNIT, DEV_BOXS_UNIT = "openpai-backup", "openpai-backup-fetch"
# In the cluster folder: what opens the backups.
KEY = "backup.key"
_PUBLIC = "# public key: "


def recipient_in(key: Path) -> str:
    """The recipient that age-keygen has written into a key's file beside the key; empty where there is no file."""
    lines = key.read_text(encoding="utf-8").splitlines() if key.exists() else []
    return next((line.removeprefix(_PUBLIC) for line in lines if line.startswith(_PUBLIC)), "")


def key_file(cluster: Cluster) -> Path:
    """What opens the backups: the operator's --data backup_key=FILE, or the cluster folder's."""
    named = host.data.get("backup_key")
    return Path(str(named)) if named else cluster.folder / KEY


@operation()
def recipient_known(cluster: Cluster, recipient: str | None) -> Commands:
    """Have on the master to whom backups are encrypted: `recipient`, or a key made for it in the cluster folder."""
    wanted = recipient or recipient_in(cluster.folder / KEY)
    if not wanted or host.get_fact(Backups, folder=FOLDER).recipient != wanted:
        yield FunctionCommand(_made_known, (cluster.folder / KEY, wanted), {})


def _made_known(state: Any, host: Any, key: Path, recipient: str) -> bool:
    try:
        if not recipient:
            # Its output alone has the secret half: nothing of it is written there.
            write_atomically(key, ask(host, "age-keygen 2>/dev/null") + "\n")
            recipient = recipient_in(key)
        path = QuoteString(RECIPIENT)
        ask(host, StringCommand("cat >", path, "&& chmod 644", path), stdin=recipient)
    except (PyinfraError, OSError) as error:
        host.log_styled(f"no key for backups: {error}", fg="red", log_func=logger.error)
        return False
    return True


@operation()
def taken() -> Commands:
    """Have a backup on the master at all; later ones are its timer's."""
    if not host.get_fact(Backups, folder=FOLDER).names:
        yield StringCommand(f"systemctl start {MASTERS_UNIT}.service")


@operation(is_idempotent=False)
def now(unit: str) -> Commands:
    """Have a backup made, or fetched, whatever there is; `unit` is there since a deploy."""
    found = host.get_fact(ServiceState, unit=f"{unit}.service", files=[])
    if not found.loaded:
        yield stop(Problem("backups are not set up here", "run the deploy first; the master's release must have age"))
        return
    yield StringCommand("systemctl start", QuoteString(f"{unit}.service"))


@operation()
def collected(folder: str) -> Commands:
    """Have the master's newest backup in `folder` on the dev box; later ones are its timer's."""
    master = the_master(host)
    there = () if master in state.failed_hosts else master.get_fact(Backups, folder=FOLDER).names
    if there and there[-1] not in host.get_fact(Backups, folder=folder).names:
        yield StringCommand(f"systemctl start {DEV_BOXS_UNIT}.service")


@operation(is_idempotent=False)
def put_back(cluster: Cluster, folder: str, backup: str | None) -> Commands:
    """On a master that is no node yet: etcd's content and the authorities of the dev box's `backup`, or the newest.

    `folder` is the dev box's.
    """
    dev_box, master = the_dev_box(host), cluster_host(host)
    names, opener = dev_box.get_fact(Backups, folder=folder).names, key_file(cluster)
    wanted = backup or (names[-1] if names else "")
    if not host.get_fact(KubernetesNode, node=master.name).untouched:
        used = Problem("Kubernetes is on this master already", "for a snapshot: tasks.kubernetes.restore")
        yield stop(used)
        return
    if wanted not in names:
        yield stop(f"choose a backup with --data backup=FILE: {', '.join(names) or f'there are none in {folder}'}")
        return
    if not opener.is_file():
        yield stop(Problem(f"{opener} is not there, which opens the backups", "name its copy: --data backup_key=FILE"))
        return
    if host.data.get("confirm") != cluster.folder.name:
        name = cluster.folder.name
        yield stop(f"this makes {master.name} the master of {name} as of {wanted}; to go on: --data confirm={name}")
        return
    path = f"{FOLDER}/{wanted}"
    yield StringCommand("install -d -m 700", QuoteString(FOLDER))
    yield FunctionCommand(copied, (dev_box, f"{folder}/{wanted}", path, "root"), {})
    program = script("kubernetes/restore-master.sh", path, master.name, master.address, CONFIG)
    said = "etcd's content and the authorities are in place; now: pyinfra INVENTORY deploy.py"
    yield FunctionCommand(opened, (program, opener, said), {})


def opened(state: Any, host: Any, program: StringCommand, key: Path, said: str) -> bool:
    """Run `program`, which opens a backup by the `key` that it gets by standard input; made for a FunctionCommand."""
    try:
        ask(host, program, stdin=key.read_text(encoding="utf-8"))
    except (PyinfraError, OSError) as error:
        host.log_styled(f"the backup was not put back: {error}", fg="red", log_func=logger.error)
        return False
    host.log(said)
    return True


def fetch(user: str, address: str, port: int, folder: str, keep: int) -> str:
    """The command line of the dev box's program, for its unit."""
    words: list[str | int] = ["/usr/local/sbin/openpai-backup-fetch", user, address, port, FOLDER, folder, keep]
    return quoted(words).get_raw_value().replace("%", "%%")
