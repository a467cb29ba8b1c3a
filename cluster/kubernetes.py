"""Kubernetes as the config asks for it: versions, networks and node names that can work. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network

from cluster.config import Config
from cluster.model import Cluster
from cluster.problems import Problem

# OpenPAI 1.x's manifests need the beta APIs that 1.22 removes; kubelets before 1.20 do not know cgroup v2 hosts well.
SUPPORTED_MINORS = (20, 21)
# What the kubelet's Docker client (dockershim) speaks: DefaultVersion of the vendored docker/docker, by minor version.
DOCKER_API = {20: (1, 40), 21: (1, 41)}
BINARIES = ("kubeadm", "kubelet", "kubectl")


def minor(version: str) -> int | None:
    """The minor number of `v1.MINOR.PATCH`; None for anything else.

    >>> minor("v1.21.14"), minor("latest")
    (21, None)
    """
    match = re.fullmatch(r"v1\.(\d+)\.\d+", version)
    return int(match[1]) if match else None


def problems(cluster: Cluster) -> list[Problem]:
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
    if minor(config.kubernetes_version) not in SUPPORTED_MINORS:
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


def overlaps(config: Config, networks: Mapping[str, Iterable[str]]) -> list[str]:
    """Messages for hosts that have a network (`10.0.0.0/24`, from their interfaces and routes) inside the cluster's.

    `networks` maps a host's name to its networks. The cluster's own pod routes, which lie wholly inside
    kube_pods_subnet, are there on every converged node and are no fault.
    """
    pods, services = IPv4Network(config.kube_pods_subnet), IPv4Network(config.kube_service_addresses)
    found = []
    for host, own in networks.items():
        for text in own:
            network = IPv4Network(text, strict=False)
            if network.prefixlen == 0:
                continue
            if network.overlaps(services):
                found.append(
                    f"{host}: its network {network} overlaps kube_service_addresses {services}; change the key"
                )
            elif network.overlaps(pods) and not network.subnet_of(pods):
                found.append(f"{host}: its network {network} overlaps kube_pods_subnet {pods}; change one")
    return found


def docker_fits(version: str, lowest: str, highest: str) -> bool:
    """Whether a Docker daemon that serves API `lowest` to `highest` can be driven by the kubelet of `version`.

    >>> docker_fits("v1.20.2", "1.12", "1.41"), docker_fits("v1.20.2", "1.44", "1.52")
    (True, False)
    """
    spoken = DOCKER_API[minor(version) or SUPPORTED_MINORS[-1]]
    return _api(lowest) <= spoken <= _api(highest)


def _api(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
