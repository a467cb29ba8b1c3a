"""What happens to backups and their master in the lab: one is killed half-way, and the other is lost."""

from __future__ import annotations

import subprocess

from lab.api import Lab
from lab.settings import PROJECT
from lab.wait import wait_until
from tests.lab.harness import out
from tests.lab.kubernetes_stage import MASTER, said

KEPT, THERE = "/home/paiadmin/pai-deploy/backups", "/var/backups/openpai-deploy/backups"
RECIPIENT, OPEN = "/etc/kubernetes/openpai-backup-recipient", "/var/lib/etcd/openpai-backup"


def newest(lab: Lab) -> str:
    """The newest backup on the dev box, which is the user's alone and equal to the master's."""
    name = out(lab, "dev-box", f"ls {KEPT} | tail -n 1")
    assert out(lab, "dev-box", f"stat -c '%a %U' {KEPT}/{name}") == "600 paiadmin"
    assert out(lab, "dev-box", f"sha256sum <{KEPT}/{name}") == out(lab, MASTER, f"sha256sum <{THERE}/{name}")
    assert out(lab, "dev-box", f"head -n 1 {KEPT}/{name}") == "age-encryption.org/v1"
    return name


def key_is_here_alone(lab: Lab) -> None:
    """What opens the backups is the operator's, in the cluster folder, and in no log or file of a host."""
    key = lab.folder / "backup.key"
    assert key.stat().st_mode & 0o777 == 0o600
    secret = next(line for line in key.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-1"))
    folders = "/etc /home /root /run /tmp /usr/local /var/backups /var/lib/openpai-deploy /var/log"
    for host in ("dev-box", MASTER):
        assert lab.run(host, f"grep -rlsF -D skip -f - {folders}", stdin=f"{secret}\n").stdout == ""
    reports = [path for path in (PROJECT / "reports" / lab.folder.name).rglob("*") if path.is_file()]
    assert reports and not [path for path in reports if secret.encode() in path.read_bytes()]


def kill_one(lab: Lab) -> None:
    """SIGKILL a backup while age waits for who is to open it: it is none, and no copy of etcd is left."""
    before = out(lab, MASTER, f"ls {THERE}")
    out(lab, MASTER, f"rm {RECIPIENT} && mkfifo {RECIPIENT} && systemctl start --no-block openpai-backup")
    wait_until(lambda: said(lab, MASTER, f"ls {OPEN}/etcd.db; pgrep -x age").count("\n") == 1, 60)
    out(lab, MASTER, f"systemctl kill -s KILL openpai-backup && rm {RECIPIENT}")
    wait_until(lambda: said(lab, MASTER, "systemctl is-failed openpai-backup") == "failed", 60)
    left = out(lab, MASTER, f"ls {THERE}; ls -d {OPEN}* 2>/dev/null; true").split()
    assert [name for name in left if name != "backup.part"] == before.split()


def lose_master(lab: Lab) -> None:
    """A bare machine in the master's place, whose host key is taken for good as the documents have it."""
    lab.reset(MASTER)
    known, address = lab.folder / "known_hosts", lab.address(MASTER)
    subprocess.run(["ssh-keygen", "-f", known, "-R", address], check=True, capture_output=True)
