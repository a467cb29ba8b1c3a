"""What looks after the cluster between deploys: the watch over GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from cluster import Cluster, Host, Role
from tests.hosts.probes import Answer, Probe
from tests.hosts.report import expect, expect_answer
from tests.hosts.targets import Target, applies_to

Answers = dict[str, Answer]
CONDITION = '{.status.conditions[?(@.type=="GPUHealthy")].status}'
WHY = '{.status.conditions[?(@.type=="GPUHealthy")].message}'


def watched(cluster: Cluster, host: Host) -> bool:
    """Workers whose GPUs are looked at by a timer."""
    config = cluster.config
    return host.role is Role.WORKER and config.installer == "kubeadm" and config.gpu_type == "nvidia"


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
