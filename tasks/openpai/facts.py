"""OpenPAI as it is: the cluster's hardware and objects, asked on the dev box through its kubeconfig.

pyinfra has no facts for Kubernetes.
"""

import json
from collections.abc import Iterator
from typing import Any

from pyinfra.api import StringCommand

from tasks.openpai.judge import ClusterState, Running
from tasks.reach import DIRECT, Fact, Holds, probe_script, probes, shell

# The devices of a node that OpenPAI's layout knows (upstream's openpai_generator.py).
DEVICES = ("nvidia.com/gpu", "amd.com/gpu", "enflame.com/dtu")


class Hardware(Fact[dict[str, Any]]):
    """What the nodes have to give and what their pods request, in the shape of `python -m cluster render --resources`.

    `pods` leaves out namespace default, where OpenPAI's own services and jobs run: its second installation must
    reckon as its first did.
    """

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = dict

    def command(self, kubeconfig: str) -> StringCommand:
        return probe_script("openpai/hardware.sh", kubeconfig)

    def read(self, found: dict[str, str]) -> dict[str, Any]:
        nodes, pods = {}, []
        for line in found["objects"].splitlines():
            kind, namespace, name, cpu, memory, *devices, node, containers = line.split("|")
            if kind == "Node":
                counts = {device: count for device, count in zip(DEVICES, devices, strict=True) if count}
                nodes[name] = {"cpu": cpu, "memory": memory, **counts}
            elif node and namespace != "default":
                pods += [{"node": node, "requests": requests} for requests in _requests(containers)]
        return {"nodes": nodes, "pods": pods} if nodes else {}


def _requests(containers: str) -> Iterator[dict[str, str]]:
    """What each container of a pod requests: they add up in cluster/openpai as upstream adds them."""
    for container in containers.split():
        cpu, _, memory = container.partition(",")
        requests = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
        if requests:
            yield requests


class OpenPai(Fact[ClusterState]):
    """Everything that OpenPAI's services are judged by, in one command."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = ClusterState

    def command(self, kubeconfig: str, folder: str) -> StringCommand:
        return probe_script("openpai/cluster-state.sh", kubeconfig, folder)

    def read(self, found: dict[str, str]) -> ClusterState:
        return read_state(found)


class ServicesNow(Fact[ClusterState]):
    """OpenPai as far as it tells whether services run, and no more: what a wait looks at."""

    holds = Holds.NOT
    default = ClusterState

    def command(self, kubeconfig: str, folder: str) -> StringCommand:
        return probe_script("openpai/cluster-state.sh", kubeconfig, folder, "brief")

    def read(self, found: dict[str, str]) -> ClusterState:
        return read_state(found)


def read_state(found: dict[str, str]) -> ClusterState:
    """The ClusterState of the sections of files/openpai/cluster-state.sh, or of its brief ones."""
    rows = [line.split("|") for line in found["objects"].splitlines()]
    made = [(row[11], row[12]) for row in rows if row[0].startswith("Pod/default/")]
    workloads, labels, configmaps = {}, {}, {}
    for key, generation, observed, wanted, ready, updated, images, mounted, master, worker, *ages in rows:
        kind, namespace, name = key.split("/")
        if kind == "Node":
            labels[name] = {"pai-master": master, "pai-worker": worker}
        elif kind == "ConfigMap" and namespace == "default" and ages:
            configmaps[name] = max(ages[0].split(), default="")
        elif images:
            since = [at for owner, at in made if owner == name or owner.startswith(f"{name}-")]
            workloads[key] = Running(
                wanted=int(wanted or 0),
                ready=int(ready or 0),
                updated=int(updated or 0),
                settled=kind == "CronJob" or generation == observed,
                images=tuple(images.split()),
                configmaps=tuple(mounted.split()),
                oldest_pod=min(since, default=""),
            )
    data = _data(found.get("data", ""))
    return ClusterState(
        answers=bool(labels),
        workloads=workloads,
        objects=frozenset(row[0] for row in rows),
        configmaps=configmaps,
        labels=labels,
        pushed=data.get("pai-configuration", {}),
        files={name: sum_ for sum_, name in map(str.split, found.get("files", "").splitlines())},
        started=data.get("openpai-deploy", {}),
        cluster_id=data.get("pai-cluster-id", {}).get("cluster-id", ""),
    )


def _data(lines: str) -> dict[str, dict[str, str]]:
    data: dict[str, dict[str, str]] = {}
    for line in lines.splitlines():
        of, _, entry = line.partition("/")
        name, _, value = entry.partition(" ")
        data.setdefault(of, {})[name] = value
    return data


class Pods(Fact[list[dict[str, Any]]]):
    """The pods of OpenPAI's services, as the API server has them; none where it does not answer."""

    holds = Holds.NOT
    default = list

    def command(self, kubeconfig: str) -> StringCommand:
        return probes(pods=[*kubectl(kubeconfig), "get", "pods", "--all-namespaces", "-o", "json", "-l", "app"])

    def read(self, found: dict[str, str]) -> list[dict[str, Any]]:
        return [dict(pod) for pod in json.loads(found["pods"])["items"]] if found["pods"] else []


def kubectl(kubeconfig: str) -> list[str]:
    """The words of a kubectl on the dev box that gives up on a silent API server."""
    return [*DIRECT.split(), "kubectl", "--request-timeout=20s", "--kubeconfig", kubeconfig]


class Note(Fact[str]):
    """A file's text; empty where there is none."""

    default = str

    def command(self, path: str) -> StringCommand:
        return probes(text=["cat", path])

    def read(self, found: dict[str, str]) -> str:
        return found["text"]


class PaictlRun(Fact[str]):
    """How the unit that runs paictl stands: `running`, its exit status, or empty where none was started."""

    holds = Holds.NOT
    default = str

    def command(self, unit: str, status: str) -> StringCommand:
        text = 'if systemctl is-active -q "$1"; then echo running; else cat "$2"; fi'
        return probes(state=shell(text, unit, status))

    def read(self, found: dict[str, str]) -> str:
        return found["state"].strip()
