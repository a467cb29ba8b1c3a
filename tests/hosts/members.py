"""What the API server tells of workloads and pods, read for what is missing and what is out of place."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

# A line a pod; what a pod does not have shows as `<none>`. As JSON, a large cluster's pods are tens of megabytes.
PLACES = (
    "--all-namespaces --no-headers -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,"
    "NODE:.spec.nodeName,HOST:.spec.hostNetwork,PHASE:.status.phase,ADDRESS:.status.podIP"
)


def unready(workloads: list[dict[str, Any]]) -> list[str]:
    """The daemonsets and deployments that lack ready pods, as `kind/name ready/wanted`."""
    found = []
    for item in workloads:
        status = item["status"]
        if item["kind"] == "DaemonSet":
            ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
        else:
            ready, wanted = status.get("readyReplicas", 0), item["spec"].get("replicas", 1)
        if ready < wanted:
            found.append(f"{item['kind']}/{item['metadata']['name']} {ready}/{wanted}")
    return found


def stranded(nodes: dict[str, Any], places: str) -> list[str]:
    """The pods, as namespace/name, whose address is not of their node's range; `places` is kubectl's answer to PLACES.

    Only where nodes have ranges, and for pods that are on the pod network and not yet at their end.
    """
    ranges = {name: node["spec"].get("podCIDR") for name, node in nodes.items()}
    found = []
    for line in places.splitlines():
        namespace, name, node, host_network, phase, address = line.split()
        placed = host_network != "true" and phase in ("Pending", "Running") and address != "<none>"
        if placed and ranges.get(node) and ip_address(address) not in ip_network(ranges[node]):
            found.append(f"{namespace}/{name}")
    return found
