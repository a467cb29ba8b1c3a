"""Kubernetes as the config asks for it: versions and networks that can work."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from cluster.files import ConfigFile
from cluster.kubernetes import BINARIES, SUPPORTED_MINORS, minor_version
from cluster.model import Cluster
from cluster.problems import Problem


def check_kubernetes(file: ConfigFile, cluster: Cluster) -> Iterator[Problem]:
    """What is wrong with the Kubernetes keys of a cluster folder, taken together and for its hosts."""
    if cluster.config.installer != "none":
        yield from _shares(file, cluster)
        yield from {"kubeadm": _kubeadm, "kubespray": _kubespray}[cluster.config.installer](file, cluster)


def _shares(file: ConfigFile, cluster: Cluster) -> Iterator[Problem]:
    pods, prefix = IPv4Network(cluster.config.kube_pods_subnet), cluster.config.kube_network_node_prefix
    nodes = len(cluster.masters) + len(cluster.workers)
    if prefix < pods.prefixlen:
        found = f"kube_network_node_prefix {prefix} is larger than kube_pods_subnet {pods}"
        yield file.problem(
            "kube_network_node_prefix", found, f"use a number from {pods.prefixlen} on, as 25", cause="pod-network-size"
        )
    elif nodes > (room := 2 ** (prefix - pods.prefixlen)):
        found = f"kube_pods_subnet {pods} has room for {room} nodes of /{prefix} each, the cluster has {nodes}"
        yield file.problem("kube_pods_subnet", found, "choose a larger kube_pods_subnet", cause="pod-network-size")


def _kubeadm(file: ConfigFile, cluster: Cluster) -> Iterator[Problem]:
    version = cluster.config.kubernetes_version
    if minor_version(version) not in SUPPORTED_MINORS:
        found = f"kubernetes_version {version}: not a version that OpenPAI 1.x and Docker both work with"
        yield file.problem(
            "kubernetes_version", found, "use v1.20.x or v1.21.x, as v1.20.15", cause="kubernetes-version"
        )
    if len(cluster.masters) > 1:
        found = f"installer kubeadm makes one master, master.csv has {len(cluster.masters)}"
        yield file.problem("installer", found, "keep one of them, or set installer: kubespray", cause="master-count")
    for name in cluster.config.kubernetes_sha256:
        if name not in BINARIES:
            found = f"kubernetes_sha256: no binary is called {name}"
            yield file.problem("kubernetes_sha256", found, f"use {', '.join(BINARIES)}", cause="binary-name")


def _kubespray(file: ConfigFile, cluster: Cluster) -> Iterator[Problem]:
    commit = cluster.config.kubespray_commit
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        found = f"kubespray_commit {commit} is not a commit"
        yield file.problem(
            "kubespray_commit",
            found,
            "give its 40 hexadecimal digits: branches and tags move",
            cause="kubespray-commit",
        )
