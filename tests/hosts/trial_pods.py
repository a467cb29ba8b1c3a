"""Pods made for the verification alone: on every worker one to test the network from, and one that asks for a GPU."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from cluster import Config
from cluster.kubernetes import pause_image
from tests.hosts.kubectl import REMEDY, Kubectl
from tests.hosts.report import expect

# Seconds for a pod to run; its image may have to be pulled first.
PATIENCE = 300
# Seconds for the controller manager to equip a new namespace; after a restart it waits for its old lease (15 s) to end.
EQUIPPED = 120
# Seconds for a GPU to become free, where another trial has it; for what a job has nobody waits.
BUSY = 60
PAUSE = 0.5  # seconds between two looks
# Below every job of OpenPAI, down to its pai-job-minimal-priority of -1.1e9: where no GPU is free, the scheduler would
# end a job for a pod of the usual priority, 0.
LOWEST = -(2**31)


@dataclass
class TrialPods:
    """The pods by worker: address of the network pod, phase, output and latest event of the GPU pod.

    `busy` are the workers without a free GPU.
    """

    namespace: str
    addresses: dict[str, str] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)


@contextmanager
def trial_pods(kubectl: Kubectl, config: Config, workers: list[str], gpus: bool) -> Iterator[TrialPods]:
    """Make the pods in a namespace and with a priority class of their own, wait for them, and remove both."""
    pods = TrialPods(f"verify-{secrets.token_hex(4)}")
    arch = kubectl("get nodes -o jsonpath='{.items[0].status.nodeInfo.architecture}'")
    kubectl(f"create namespace {pods.namespace}")
    try:
        _wait_for_account(kubectl, pods.namespace)
        if workers:
            kubectl("apply -f -", stdin=yaml.safe_dump_all(_manifests(pods.namespace, config, arch, workers, gpus)))
        _wait(kubectl, pods, len(workers) * (2 if gpus else 1))
        yield pods
    finally:
        kubectl(f"delete namespace {pods.namespace} --wait=false")
        kubectl(f"delete priorityclass {pods.namespace} --ignore-not-found")


def _manifests(namespace: str, config: Config, arch: str, workers: list[str], gpus: bool) -> Iterator[dict[str, Any]]:
    meaning = {"value": LOWEST, "description": "Pods that the verification makes, which take no job's place"}
    yield {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": namespace},
        **meaning,
    }
    for worker in workers:
        # Its image is on every node already; the network is tested from the pod's namespace, with the host's programs.
        yield _pod(namespace, worker, "network", {"image": pause_image(config, arch)})
        if gpus:
            limits = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
            yield _pod(
                namespace, worker, "gpu", {"image": config.cuda_image, "command": ["nvidia-smi", "-L"], **limits}
            )


def _pod(namespace: str, worker: str, kind: str, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{kind}-{worker}", "namespace": namespace, "labels": {"kind": kind}},
        "spec": {
            "restartPolicy": "Never",
            "priorityClassName": namespace,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "nodeSelector": {"kubernetes.io/hostname": worker},
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": kind, "imagePullPolicy": "IfNotPresent", **container}],
        },
    }


def _wait_for_account(kubectl: Kubectl, namespace: str) -> None:
    """Until the namespace has its default service account: the API server refuses pods before."""
    deadline = time.monotonic() + EQUIPPED
    while not (answer := kubectl.try_(f"get serviceaccount default -n {namespace}")).ok:
        expect(
            time.monotonic() < deadline,
            kubectl.dev_box,
            found=f"no default service account in the new namespace {namespace} after {EQUIPPED} s ({answer.problem})",
            needed="a controller manager that makes one, or no pod can be made",
            remedy=f"look at: kubectl -n kube-system logs -l component=kube-controller-manager; {REMEDY}",
        )
        time.sleep(PAUSE)


def _wait(kubectl: Kubectl, pods: TrialPods, number: int) -> None:
    began = time.monotonic()
    done = 0
    while done < number and (waited := time.monotonic() - began) < PATIENCE:
        done = 0
        for pod in kubectl.json(f"pods -n {pods.namespace}"):
            kind, _, worker = pod["metadata"]["name"].partition("-")
            phase, address = pod["status"]["phase"], pod["status"].get("podIP", "")
            if kind == "gpu":
                pods.phases[worker] = phase
                if phase == "Pending" and waited >= BUSY and _unplaced(pod):
                    pods.busy.add(worker)
                done += phase in ("Succeeded", "Failed") or worker in pods.busy
            elif phase == "Running" and address:
                pods.addresses[worker] = address
                done += 1
        time.sleep(PAUSE)
    for worker in pods.phases:
        pods.outputs[worker] = kubectl.try_(f"logs -n {pods.namespace} gpu-{worker}").out
    for event in kubectl.json(f"events -n {pods.namespace}"):
        kind, _, worker = event["involvedObject"]["name"].partition("-")
        if event["type"] == "Warning":
            pods.events[worker] = event["message"]


def _unplaced(pod: dict[str, Any]) -> bool:
    """Whether the scheduler finds no GPU for the pod that is free."""
    placed: dict[str, str] = next(
        (one for one in pod["status"].get("conditions", ()) if one["type"] == "PodScheduled"), {}
    )
    return placed.get("status") == "False" and "Insufficient nvidia.com/gpu" in placed.get("message", "")
