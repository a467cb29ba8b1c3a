"""What looks after the cluster between deploys: the watch over GPUs, backups, dry runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster import Cluster, Host, Role
from tests.hosts import backups
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect, expect_answer, note
from tests.hosts.targets import Target, applies_to, shown

Answers = dict[str, Answer]
CONDITION = '{.status.conditions[?(@.type=="GPUHealthy")].status}'
WHY = '{.status.conditions[?(@.type=="GPUHealthy")].message}'


def watched(cluster: Cluster, host: Host) -> bool:
    """Workers whose GPUs are looked at by a timer."""
    config = cluster.config
    return host.role is Role.WORKER and config.installer == "kubeadm" and config.gpu_type == "nvidia"


def looked_at(cluster: Cluster, host: Host) -> bool:
    """The dev box, where dry runs are made by a timer."""
    return host.role is Role.DEV_BOX and cluster.config.drift_schedule is not None


# Where backups are, and the unit that puts them there.
BACKUPS = {
    Role.MASTER: ("/var/backups/openpai-deploy/backups", "openpai-backup"),
    Role.DEV_BOX: ("~/pai-deploy/backups", "openpai-backup-fetch"),
}
# Nothing where age is not installed and apt knows of none.
AGE = "command -v age || apt-cache policy age"


def backed_up(cluster: Cluster, host: Host) -> bool:
    """The master and the dev box, where backups are made and kept."""
    return cluster.config.installer == "kubeadm" and host.role in BACKUPS


def timer(unit: str) -> str:
    """Shell text: whether a timer is enabled and active, and how its service's last run ended."""
    return (
        f"systemctl is-enabled {unit}.timer; systemctl is-active {unit}.timer; systemctl show {unit} -p Result --value"
    )


RUNS = "enabled active success"


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    if watched(cluster, host):
        yield Probe("gpu watch", f"{timer('openpai-gpu-health')}; true")
        get = f"kubectl --request-timeout=20s --kubeconfig /etc/kubernetes/kubelet.conf get node {host.name}"
        yield Probe("gpu condition", f"{get} -o jsonpath='{CONDITION}|{WHY}'", seconds=30)
    if backed_up(cluster, host):
        folder, unit = BACKUPS[host.role]
        yield Probe("backup timer", f"{timer(unit)}; true")
        whose = RunAs.USER if host.role is Role.DEV_BOX else RunAs.ROOT
        yield Probe("newest backup", backups.newest(folder), run_as=whose)
        yield Probe("age", AGE)
    if looked_at(cluster, host):
        yield Probe("dry runs", f"{timer(f'openpai-drift-{cluster.folder.name}')}; true")


@applies_to(watched)
def test_gpus_are_looked_after(target: Target, answers: Answers) -> None:
    redo = f"run the deploy: {target.deploy}; see there: journalctl -u openpai-gpu-health"
    runs = " ".join(expect_answer(answers["gpu watch"], target, needed="its timer", remedy=redo).split())
    expect(runs == RUNS, target, found=f"openpai-gpu-health.timer: {runs}", needed=RUNS, remedy=redo)
    said = expect_answer(answers["gpu condition"], target, needed="its node's condition GPUHealthy", remedy=redo)
    status, _, why = said.partition("|")
    expect(
        status == "True",
        target,
        found=f"GPUHealthy is {status or 'not there'}: {why}",
        needed="True",
        remedy="mend the GPU (a reboot, else the card), then: kubectl uncordon " + target.name,
    )


@applies_to(backed_up)
def test_backups_are_kept(
    target: Target, answers: Answers, ask: Callable[[Target], Answers], pytestconfig: pytest.Config
) -> None:
    unit = BACKUPS[target.host.role][1]
    redo = f"run: pyinfra {shown(target.inventory)} tasks.kubernetes.snapshot; see there: journalctl -u {unit}"
    runs = " ".join(expect_answer(answers["backup timer"], target, needed="its timer", remedy=redo).split())
    if runs != RUNS and not _can_be_made(target, ask):
        note(pytestconfig, "no backups of the control plane: the master has no age; see docs/day2.md, Backups", target)
        return
    deploy = f"run the deploy: {target.deploy}; see there: journalctl -u {unit}"
    expect(runs == RUNS, target, found=f"{unit}.timer: {runs}", needed=RUNS, remedy=deploy)
    said = expect_answer(answers["newest backup"], target, needed=backups.NEEDED, remedy=redo)
    found = backups.wrong(said)
    expect(found is None, target, found=str(found), needed=backups.NEEDED, remedy=redo)


def _can_be_made(target: Target, ask: Callable[[Target], Answers]) -> bool:
    master = Target(target.cluster.masters[0], target.cluster, target.inventory)
    return bool(ask(master)["age"].out)


@applies_to(looked_at)
def test_dry_runs_are_made(target: Target, answers: Answers) -> None:
    see = f"see: pyinfra {target.inventory.name} tasks.drift.status"
    runs = " ".join(expect_answer(answers["dry runs"], target, needed="their timer", remedy=target.deploy).split())
    expect(runs == RUNS, target, found=f"the timer of dry runs: {runs}", needed=RUNS, remedy=see)
