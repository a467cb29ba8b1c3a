"""Secrets: who may read them, in the cluster folder and on the hosts, and what sudo was told."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator

from cluster import Cluster, Host
from tests.hosts.probes import Answer, Probe
from tests.hosts.report import expect, expect_answer, secret_values
from tests.hosts.targets import Target, applies_to, shown, users_sudo

Answers = dict[str, Answer]

SUDOERS = "/etc/sudoers.d/90-openpai-deploy"
# Where Docker, Kubernetes, its backups and SSH keep credentials; $home is the home of the config's user.
PRIVATE = (
    "$home/.ssh/id_* /root/.ssh/id_* $home/.docker/config.json /root/.docker/config.json $home/.kube/config "
    "/root/.kube/config /var/lib/kubelet/config.json /etc/kubernetes/*.conf /etc/kubernetes/pki/*.key "
    "/etc/kubernetes/pki/etcd/*.key /var/backups/openpai-deploy/*/* $home/pai-deploy/backups/* "
    "$home/pai-deploy/etcd-snapshots/*"
)
STAT = 'for f in {files}; do case $f in *.pub) ;; *) [ ! -e "$f" ] || stat -L -c \'%a %U %n\' "$f" ;; esac; done'
PRIVATE_KEYS = [b"PRIVATE KEY-----", b"AGE-SECRET-KEY-1"]
LARGEST = 1 << 20  # bytes; what is larger in a cluster folder is no configuration


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    home = f"home=$(getent passwd {shlex.quote(cluster.config.user)} | cut -d: -f6); "
    yield Probe("private files", home + STAT.format(files=PRIVATE))
    yield Probe("ssh files", home + STAT.format(files='"$home" "$home/.ssh" "$home/.ssh/authorized_keys"'))
    yield Probe("sudoers file", STAT.format(files=SUDOERS))
    yield Probe("sudoers syntax", "visudo -c")


def _files(answer: Answer) -> Iterator[tuple[int, str, str]]:
    for line in answer.out.splitlines():
        mode, owner, name = line.split(" ", 2)
        yield int(mode, 8), owner, name


def test_credentials_are_private(target: Target, answers: Answers) -> None:
    found = [f"{name} ({mode:04o})" for mode, _, name in _files(answers["private files"]) if mode & 0o077]
    expect(
        not found,
        target,
        found=f"readable by others: {', '.join(found)}",
        needed="mode 0600",
        remedy="run `chmod go= FILE` there, and renew what it holds",
    )


def test_nobody_else_can_add_a_key(target: Target, answers: Answers) -> None:
    allowed = {"root", target.config.user}
    found = [
        f"{name} ({mode:04o} {owner})"
        for mode, owner, name in _files(answers["ssh files"])
        if mode & 0o022 or owner not in allowed
    ]
    expect(
        not found,
        target,
        found=f"writable by others: {', '.join(found)}",
        needed=f"write access for {target.config.user} alone (sshd refuses keys otherwise)",
        remedy="run `chmod go-w FILE` there",
    )


def test_sudoers_are_valid(target: Target, answers: Answers) -> None:
    expect_answer(answers["sudoers syntax"], target, needed="sudoers without errors", remedy="run `visudo -c` there")


@applies_to(users_sudo)
def test_sudoers_file_is_root_s(target: Target, answers: Answers) -> None:
    found = [f"{name} ({mode:04o} {owner})" for mode, owner, name in _files(answers["sudoers file"])]
    expect(
        found == [f"{SUDOERS} (0440 root)"],
        target,
        found=", ".join(found) or f"no {SUDOERS}",
        needed="it with mode 0440, owner root",
        remedy=f"run `chmod 0440 {SUDOERS}` there, or where it is missing the deploy: {target.deploy}",
    )


def test_cluster_folder_keeps_its_secrets(targets: tuple[Target, ...]) -> None:
    target = targets[0]
    secrets = [*PRIVATE_KEYS, *(value.encode() for value in secret_values(target.cluster))]
    found = []
    for file in sorted(target.cluster.folder.rglob("*")):
        mode = file.lstat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077 and file.stat().st_size <= LARGEST:
            content = file.read_bytes()
            if any(secret in content for secret in secrets):
                found.append(f"{shown(file)} ({stat.S_IMODE(mode):04o})")
    assert not found, f"found secrets that others can read: {', '.join(found)}; needed mode 0600; run chmod go= on them"
