"""Logging in: the right host, sshd, sudo without a password, and the dev box's way to every host without one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from cluster import Cluster, Host, Role
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect
from tests.hosts.targets import Target, applies_to, masters_and_workers, reached_by_ssh

Answers = dict[str, Answer]

# Both names: since 22.10 Ubuntu starts sshd by a socket. Either command succeeds when one of its units does.
SSHD = "ssh.service ssh.socket"
LOGIN = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -p {port} {user}@{address} id -un"


def _as_user(cluster: Cluster, host: Host, name: str, command: str) -> Probe:
    """A probe as the config's user, also on a dev box that is this machine, whoever runs the verification."""
    if not host.is_local:
        return Probe(name, command, seconds=20, run_as=RunAs.USER)
    return Probe(name, f"su -l {shlex.quote(cluster.config.user)} -c {shlex.quote(command)}", seconds=20)


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module; the dev box also tries to log in to every other host."""
    yield Probe("user", "id -un", run_as=RunAs.USER)
    yield Probe("name", "uname -n", run_as=RunAs.USER)
    yield _as_user(cluster, host, "sudo", 'test "$(id -u)" = 0 || sudo -n true')
    yield Probe("sshd now", f"systemctl is-active {SSHD}", run_as=RunAs.USER)
    yield Probe("sshd at boot", f"systemctl is-enabled {SSHD}", run_as=RunAs.USER)
    if host.role is Role.DEV_BOX:
        for other in (*cluster.masters, *cluster.workers):
            command = LOGIN.format(port=cluster.config.ssh_port, user=cluster.config.user, address=other.address)
            yield _as_user(cluster, host, f"login to {other.name}", command)


@applies_to(reached_by_ssh)
def test_login_is_the_configured_user(target: Target, answers: Answers) -> None:
    user = answers["user"].out
    expect(
        user == target.config.user,
        target,
        found=f"a login as {user}",
        needed=target.config.user,
        remedy="check `user` in config.yaml and the authorized_keys of both accounts",
    )


@applies_to(masters_and_workers)
def test_the_host_calls_itself_by_its_name(target: Target, answers: Answers) -> None:
    expect(
        answers["name"].out == target.name,
        target,
        found=f"the name {answers['name'].out}",
        needed=f"{target.name}, as its CSV file says",
        remedy="set_hostnames: true in config.yaml, or `hostnamectl set-hostname` there",
    )


@applies_to(reached_by_ssh)
def test_sshd_runs_now_and_after_a_boot(target: Target, answers: Answers) -> None:
    for when in ("sshd now", "sshd at boot"):
        expect(
            answers[when].ok,
            target,
            found=f"{when}: {' and '.join(answers[when].out.split()) or answers[when].problem}",
            needed="ssh.service or ssh.socket active and enabled",
            remedy="run `systemctl enable --now ssh` there",
        )


def test_sudo_needs_no_password(target: Target, answers: Answers) -> None:
    expect(
        answers["sudo"].ok,
        target,
        found=f"sudo -n: {answers['sudo'].problem}",
        needed=f"sudo without a password for {target.config.user}",
        remedy=f"run the deploy: {target.deploy}",
    )


@applies_to(masters_and_workers)
def test_dev_box_logs_in_without_a_password(target: Target, dev_box: Target, ask: Callable[[Target], Answers]) -> None:
    answer = ask(dev_box)[f"login to {target.name}"]
    expect(
        answer.ok and answer.out.splitlines()[-1:] == [target.config.user],  # after what a login shell prints
        target,
        found=f"login from {dev_box.name} as {target.config.user}: {answer.out or answer.problem}",
        needed="a login by key, with strict host keys",
        remedy=f"run the deploy: {target.deploy}",
    )
