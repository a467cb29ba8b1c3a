"""Virtual clusters and what they have."""

from __future__ import annotations

import re
from typing import Any

from ..kube import Kube
from ..web import Refusal
from . import skus

PARTS = (("cpu", "vCores"), ("memory", None), ("gpu", "GPUs"))
"""What is counted, and under which second name."""


class Clusters:
    """The virtual clusters of hived's configuration, or the whole cluster as `default` where there is no hived.

    What jobs use is counted from their pods; upstream asks hived."""

    def __init__(self, kube: Kube, hived: dict[str, Any] | None, device: str):
        self._kube = kube
        self._hived = hived
        self._device = device

    def names(self) -> list[str]:
        """The names of all of them."""
        return ["default", *(name for name in skus.quotas(self._hived or _NONE) if name != "default")]

    def all(self) -> dict[str, Any]:
        """Every virtual cluster with its resources."""
        has = {name: dict.fromkeys(("cpu", "memory", "gpu"), 0) for name in self.names()}
        used = {name: dict.fromkeys(("cpu", "memory", "gpu"), 0) for name in has}
        if self._hived:
            units = skus.units(self._hived)
            for name, cells in skus.quotas(self._hived).items():
                for sku, number in cells.items():
                    _add(has[name], {part: units[sku][part] * number for part in ("cpu", "memory", "gpu")})
        else:
            for node in self._nodes():
                _add(has["default"], self._amounts(node["status"]["capacity"]))
        for pod in self._pods():
            name = pod["metadata"]["labels"].get("virtualCluster")
            if name in used:
                _add(used[name], self._amounts(pod["spec"]["containers"][0]["resources"].get("limits", {})))
        gpus = sum(resources["gpu"] for resources in has.values())
        return {name: _shown(has[name], used[name], gpus) for name in has}

    def nodes(self) -> dict[str, dict[str, int]]:
        """The GPUs of each worker: how many, used, free."""
        found = {}
        for node in self._nodes():
            gpus = self._amounts(node["status"]["capacity"])["gpu"]
            found[node["metadata"]["name"]] = {"gpuUsed": 0, "gpuAvailable": gpus, "gpuTotal": gpus}
        for pod in self._pods():
            name = pod["spec"].get("nodeName", "")
            gpus = self._amounts(pod["spec"]["containers"][0]["resources"].get("limits", {}))["gpu"]
            if name in found:
                found[name]["gpuUsed"] += gpus
                found[name]["gpuAvailable"] -= gpus
        return found

    def get(self, name: str) -> dict[str, Any]:
        """One virtual cluster; Refusal 404 NoVirtualClusterError when there is none."""
        if not re.fullmatch("[A-Za-z0-9_]+", name):
            message = "VC name should only contain alpha-numeric and underscore characters"
            raise Refusal(400, "InvalidParametersError", message)
        found = self.all().get(name)
        if found is None:
            raise Refusal(404, "NoVirtualClusterError", f"Vc {name} not found")
        return found

    def sku_types(self, name: str | None) -> dict[str, Any]:
        """The SKUs of all virtual clusters, or of one."""
        units = skus.units(self._hived or _NONE)
        if name is None:
            return units
        quotas = skus.quotas(self._hived or _NONE)
        if name not in quotas:
            raise Refusal(404, "NoVirtualClusterError", f"Cannot get sku types for virtual clyster {name}.")
        return {sku: unit for sku, unit in units.items() if sku in quotas[name]}

    def _nodes(self) -> list[dict[str, Any]]:
        return (self._kube.get("/api/v1/nodes", labelSelector="pai-worker=true") or {"items": []})["items"]

    def _pods(self) -> list[dict[str, Any]]:
        path, selector = "/api/v1/namespaces/default/pods", "type=kube-launcher-task"
        pods = (self._kube.get(path, labelSelector=selector) or {"items": []})["items"]
        return [pod for pod in pods if pod["status"].get("phase") == "Running"]

    def _amounts(self, quantities: dict[str, Any]) -> dict[str, int]:
        memory, gpus = skus.megabytes(quantities.get("memory", "0Mi")), int(quantities.get(self._device, 0))
        return {"cpu": int(quantities.get("cpu", 0)), "memory": memory, "gpu": gpus}


_NONE: dict[str, Any] = {"physicalCluster": {"skuTypes": {}}}


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for part, amount in more.items():
        total[part] += amount


def _shown(has: dict[str, int], used: dict[str, int], gpus: int) -> dict[str, Any]:
    def named(amounts: dict[str, int]) -> dict[str, int]:
        return amounts | {other: amounts[part] for part, other in PARTS if other}

    share = has["gpu"] / gpus * 100 if gpus else 0
    used_share = used["gpu"] / gpus * 100 if gpus else 0
    shown: dict[str, Any] = {"capacity": share, "usedCapacity": used_share, "dedicated": False}
    resources = {"resourcesUsed": used, "resourcesGuaranteed": has, "resourcesTotal": has}
    return shown | {name: named(amounts) for name, amounts in resources.items()} | {"maxCapacity": share}
