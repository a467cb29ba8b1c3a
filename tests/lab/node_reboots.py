"""Reboots of a node by the deploy, with a pod on it, and what becomes of its cordon."""

from __future__ import annotations

from lab.api import Lab
from lab.commands import Run
from tests.lab.boots import boot_id
from tests.lab.docker_host import write
from tests.lab.harness import killed_when, out
from tests.lab.kubernetes_stage import KUBECTL, MASTER, said, stage

FILE, WANTED = "tests/lab/reboot_stage.py", "/run/lab-reboot"
# One pod of that node, which a PodDisruptionBudget keeps there.
_KEPT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: kept}
spec:
  replicas: 1
  selector: {matchLabels: {app: kept}}
  template:
    metadata: {labels: {app: kept}}
    spec:
      nodeSelector: {kubernetes.io/hostname: HOST}
      terminationGracePeriodSeconds: 1
      containers: [{name: pause, image: IMAGE}]
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: kept}
spec: {minAvailable: 1, selector: {matchLabels: {app: kept}}}
"""


def keep_a_pod(lab: Lab, host: str, image: str) -> None:
    """Have on `host` a pod that may not be evicted."""
    write(lab, MASTER, "/root/kept.yaml", _KEPT.replace("HOST", host).replace("IMAGE", image))
    out(lab, MASTER, f"{KUBECTL} apply -f /root/kept.yaml && {KUBECTL} rollout status --timeout=90s deployment/kept")


def rebooting(lab: Lab, host: str, *more: str) -> Run:
    """A run that is to reboot `host`, on the operator's word."""
    out(lab, host, f"touch {WANTED}")
    return stage(lab, "--data", "allow_disruption=yes", *more, file=FILE)


def service_of(lab: Lab, host: str) -> str:
    """`Ready` or not, `cordoned`, and `ours` where the deploy said so."""
    shown = out(lab, MASTER, f"{KUBECTL} get node {host} -o yaml")
    ready = out(lab, MASTER, f"{KUBECTL} get node {host} --no-headers").split()[1].split(",")[0]
    cordoned = ["cordoned"] if "unschedulable: true" in shown else []
    return " ".join([ready, *cordoned, *(["ours"] if "openpai-deploy/cordoned:" in shown else [])])


def refused(lab: Lab, host: str) -> str:
    """A run that may not reboot `host`, whose pod stays; its service after it."""
    run = rebooting(lab, host, "--data", "drain=15")
    assert run.status == 1, run.output
    assert f"the pods of {host} did not leave within 15 s" in run.output, run.output
    out(lab, host, f"ls {WANTED}")
    return service_of(lab, host)


def reboots(lab: Lab, host: str) -> str:
    """Reboot `host` by a run that must succeed; its service after it."""
    before = boot_id(lab, host)
    run = rebooting(lab, host)
    assert run.status == 0, run.output
    assert boot_id(lab, host) != before, run.output
    return service_of(lab, host)


def killed_when_cordoned(lab: Lab, host: str) -> None:
    """Kill a run that is to reboot `host` once the node is cordoned."""
    out(lab, host, f"touch {WANTED}")
    cordoned = f"{KUBECTL} get node {host} -o yaml | grep openpai-deploy/cordoned"
    killed_when(lab, lambda: said(lab, MASTER, cordoned), "--data", "allow_disruption=yes", file=FILE)
