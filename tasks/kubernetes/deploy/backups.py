"""Backups of the control plane by timers: made on the master, fetched by the dev box; and a new master from one."""

from pyinfra import host, state
from pyinfra.api import deploy

from cluster import Role
from cluster.kubernetes import api_servers, init_config
from tasks import apt, docker, preflight, systemd
from tasks.apt import Release
from tasks.kubernetes.deploy import node
from tasks.kubernetes.deploy.day2 import confirmation, ours
from tasks.kubernetes.facts.backups import RECIPIENT, Backups
from tasks.kubernetes.operations import backup, control_plane, etcd
from tasks.reach import FILES, barrier, cluster_of, config_of, put, render, role_of, the_dev_box, the_master
from tasks.ssh import Account

PROGRAMS, SNAPSHOT = "/usr/local/sbin", "/usr/local/lib/openpai-deploy/snapshot-etcd.sh"
UNITS = "/etc/systemd/system"


@deploy("Kubernetes, backups")
def kept() -> None:
    """Backups every six hours, the newest backup_keep of them on the dev box; none where the master has no age."""
    role = role_of(host)
    if role is Role.MASTER and _encrypts():
        _made()
    barrier(name="Backups are made before they are fetched")
    if role is Role.DEV_BOX and _encrypts():
        _fetched()


@deploy("etcd, snapshot")
def snapshot() -> None:
    """Save etcd's content on the master, and an encrypted backup on the dev box where the master has age."""
    if not ours():
        return
    role = role_of(host)
    if role is Role.MASTER:
        etcd.saved(name="A snapshot of etcd", reason="manual")
        if _encrypts():
            backup.now(name="A backup", unit=backup.MASTERS_UNIT)
    barrier(name="The backup comes first")
    if role is Role.DEV_BOX and _encrypts():
        backup.now(name="The backup is on the dev box", unit=backup.DEV_BOXS_UNIT)


@deploy("A new master")
def restore_master() -> None:
    """Make a bare machine the master of the old cluster, from a backup; `deploy.py` finishes it.

    --data confirm=NAME, the name of the cluster's folder; --data backup=FILE, else the newest on the dev box; --data
    backup_key=FILE where the key is not in the cluster folder.
    """
    if not ours() or role_of(host) is not Role.MASTER:
        return
    cluster, wanted, folder = cluster_of(host), host.data.get("backup"), _on_the_dev_box()
    backup.restorable(
        name="The backup may be put back", cluster=cluster, folder=folder, backup=wanted, confirmed=confirmation()
    )
    apt.go_through_proxy()
    docker.install()
    node.make_ready()
    _have_age()
    config = init_config(cluster, api_servers(cluster)[0])
    put(name="kubeadm's configuration", content=config, dest=control_plane.CONFIG, mode="600")
    backup.put_back(name="What the old master was", cluster=cluster, folder=folder, backup=wanted)


def _on_the_dev_box() -> str:
    _, home = the_dev_box(host).get_fact(Account, _sudo=False)
    return f"{home}/pai-deploy/backups"


def _encrypts() -> bool:
    """Whether the master has age, or its release does."""
    master = the_master(host)
    if master in state.failed_hosts:
        return False
    return preflight.has_age(master.get_fact(Release)) or master.get_fact(Backups, folder=backup.FOLDER).age


def _have_age() -> None:
    # An age of the operator's own will do.
    if not host.get_fact(Backups, folder=backup.FOLDER).age:
        apt.packages(name="Program that encrypts backups", names=["age"], hold=False)


def _made() -> None:
    config = config_of(host)
    _have_age()
    put(name="Backups: etcd's part", content=FILES / "kubernetes/snapshot-etcd.sh", dest=SNAPSHOT)
    program = f"{PROGRAMS}/{backup.MASTERS_UNIT}"
    put(name="Backups: program", content=FILES / "kubernetes/backup", dest=program, mode="755")
    backup.recipient_known(name="Who can open backups", cluster=cluster_of(host), recipient=config.backup_recipient)
    command = f"{program} {SNAPSHOT} {RECIPIENT} {backup.FOLDER} {config.backup_keep}"
    _timer(backup.MASTERS_UNIT, command, "made", "*-*-* 00/6:00:00")
    backup.taken(name="There is a backup")


def _fetched() -> None:
    config, master = config_of(host), cluster_of(host).masters[0]
    user, _ = host.get_fact(Account, _sudo=False)
    folder, program = _on_the_dev_box(), f"{PROGRAMS}/{backup.DEV_BOXS_UNIT}"
    put(name="Backups: program to fetch them", content=FILES / "kubernetes/backup-fetch", dest=program, mode="755")
    command = backup.fetch(config.user, master.address, config.ssh_port, folder, config.backup_keep)
    _timer(backup.DEV_BOXS_UNIT, command, "fetched", "hourly", user)
    backup.collected(name="A backup is on the dev box", folder=folder)


def _timer(unit: str, command: str, done: str, schedule: str, user: str = "") -> None:
    timer, service = f"{UNITS}/{unit}.timer", f"{UNITS}/{unit}.service"
    put(name="Backups: unit", content=render("kubernetes/backup.service.j2", command=command, user=user), dest=service)
    content = render("kubernetes/backup.timer.j2", done=done, schedule=schedule)
    put(name="Backups: timer", content=content, dest=timer)
    systemd.scheduled(name="Backups by a timer", timer=f"{unit}.timer", service=f"{unit}.service", files=[timer])
