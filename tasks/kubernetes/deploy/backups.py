"""Backups of the control plane by timers: made on the master, fetched by the dev box; and a new master from one."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from cluster.kubernetes import api_servers, init_config
from tasks import apt, docker, systemd
from tasks.apt import Release
from tasks.kubernetes.deploy import node
from tasks.kubernetes.deploy.day2 import ours
from tasks.kubernetes.facts.backups import RECIPIENT
from tasks.kubernetes.operations import backup, control_plane
from tasks.reach import FILES, barrier, cluster_of, config_of, put, render, role_of, the_dev_box, the_master
from tasks.ssh import Account

PROGRAMS, SNAPSHOT = "/usr/local/sbin", "/usr/local/lib/openpai-deploy/snapshot-etcd.sh"
# The first releases that have the package `age`.
AGE_SINCE = {"debian": 11, "ubuntu": 22}


@deploy("Kubernetes, backups")
def kept() -> None:
    """Backups every six hours, the newest backup_keep of them on the dev box; none where the master has no age."""
    if not _encrypts():
        return
    role = role_of(host)
    if role is Role.MASTER:
        _made()
    barrier(name="Backups are made before they are fetched")
    if role is Role.DEV_BOX:
        _fetched()


def _encrypts() -> bool:
    release = the_master(host).get_fact(Release)
    year = release.version.partition(".")[0]
    # Testing has no number.
    return not year.isdigit() or int(year) >= AGE_SINCE.get(release.id, 0)


def _made() -> None:
    config = config_of(host)
    apt.packages(name="Program that encrypts backups", names=["age"], hold=False)
    put(name="Backups: etcd's part", content=FILES / "kubernetes/snapshot-etcd.sh", dest=SNAPSHOT)
    program = f"{PROGRAMS}/{backup.MASTERS_UNIT}"
    put(name="Backups: program", content=FILES / "kubernetes/backup", dest=program, mode="755")
    backup.recipient_known(name="Who can open backups", cluster=cluster_of(host), recipient=config.backup_recipient)
    command = f"{program} {SNAPSHOT} {RECIPIENT} {backup.FOLDER} {config.backup_keep}"
    _timer(backup.MASTERS_UNIT, command, "made", "*-*-* 00/6:00:00")
    backup.taken(name="There is a backup")


def _fetched() -> None:
    config = config_of(host)
    user, home = host.get_fact(Account, _sudo=False)
    folder, program = f"{home}/pai-deploy/backups", f"{PROGRAMS}/{backup.DEV_BOXS_UNIT}"
    put(name="Backups: program to fetch them", content=FILES / "kubernetes/backup-fetch", dest=program, mode="755")
    master = cluster_of(host).masters[0]
    command = backup.fetch(config.user, master.address, config.ssh_port, folder, config.backup_keep)
    _timer(backup.DEV_BOXS_UNIT, command, "fetched", "hourly", user)
    backup.collected(name="The newest backup is on the dev box", folder=folder)


def _timer(unit: str, command: str, done: str, schedule: str, user: str = "") -> None:
    timer, service = f"/etc/systemd/system/{unit}.timer", f"/etc/systemd/system/{unit}.service"
    content = render("kubernetes/backup.service.j2", command=command, user=user)
    put(name="Backups: unit", content=content, dest=service)
    content = render("kubernetes/backup.timer.j2", done=done, schedule=schedule)
    put(name="Backups: timer", content=content, dest=timer)
    systemd.scheduled(name="Backups by a timer", timer=f"{unit}.timer", service=f"{unit}.service", files=[timer])


@deploy("A new master")
def restore_master() -> None:
    """Make a bare machine the master of the old cluster, from a backup; `deploy.py` finishes it.

    --data confirm=NAME, the name of the cluster's folder; --data backup=FILE, else the newest on the dev box; --data
    backup_key=FILE where the key is not in the cluster folder.
    """
    if not ours() or role_of(host) is not Role.MASTER:
        return
    cluster = cluster_of(host)
    apt.go_through_proxy()
    docker.install()
    node.prepare()
    apt.packages(name="Program that opens backups", names=["age"], hold=False)
    config = init_config(cluster, api_servers(cluster)[0])
    put(name="kubeadm's configuration", content=config, dest=control_plane.CONFIG, mode="600")
    _, home = the_dev_box(host).get_fact(Account, _sudo=False)
    backup.put_back(
        name="What the old master was",
        cluster=cluster,
        folder=f"{home}/pai-deploy/backups",
        backup=host.data.get("backup"),
    )
