"""Kubernetes as the config asks for it: versions and networks that can work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from cluster.config import Config
from cluster.kubernetes import BINARIES, SUPPORTED_MINORS, minor_version
from cluster.model import Cluster
from cluster.problems import Problem


def check_kubernetes(cluster: Cluster) -> list[Problem]:
    """What is wrong with the Kubernetes keys of a cluster folder, taken together."""
    if cluster.config.installer == "none":
        return []
    found = [*_shares(cluster)]
    found += _kubespray(cluster.config) if cluster.config.installer == "kubespray" else _kubeadm(cluster)
    return [Problem("config.yaml", 0, message, remedy) for message, remedy in found]


def _shares(cluster: Cluster) -> Iterator[tuple[str, str]]:
    pods, prefix = IPv4Network(cluster.config.kube_pods_subnet), cluster.config.kube_network_node_prefix
    nodes = len(cluster.masters) + len(cluster.workers)
    if prefix < pods.prefixlen:
        yield (
            f"kube_network_node_prefix {prefix} is larger than kube_pods_subnet {pods}",
            f"use a number from {pods.prefixlen} on, as 25",
        )
    elif nodes > 2 ** (prefix - pods.prefixlen):
        yield (
            f"kube_pods_subnet {pods} has room for {2 ** (prefix - pods.prefixlen)} nodes of /{prefix} each, "
            f"the cluster has {nodes}",
            "choose a larger kube_pods_subnet",
        )


def _kubeadm(cluster: Cluster) -> Iterator[tuple[str, str]]:
    config = cluster.config
    if minor_version(config.kubernetes_version) not in SUPPORTED_MINORS:
        yield (
            f"kubernetes_version {config.kubernetes_version}: not a version that OpenPAI 1.x and Docker both work with",
            "use v1.20.x or v1.21.x, as v1.21.14",
        )
    if len(cluster.masters) > 1:
        yield (
            f"installer kubeadm makes one master, master.csv has {len(cluster.masters)}",
            "keep one of them, or set installer: kubespray",
        )
    for name in config.kubernetes_sha256:
        if name not in BINARIES:
            yield f"kubernetes_sha256: no binary is called {name}", f"use {', '.join(BINARIES)}"


def _kubespray(config: Config) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"[0-9a-f]{40}", config.kubespray_commit):
        yield (
            f"kubespray_commit {config.kubespray_commit} is not a commit",
            "give its 40 hexadecimal digits: branches and tags move",
        )
