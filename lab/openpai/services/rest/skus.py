"""What hived's configuration lets a job ask for: SKUs, and how many of them a virtual cluster has."""

from __future__ import annotations

import math
import re
from typing import Any

from .protocol import refuse

PRIORITIES = {"crit": 120, "prod": 100, "test": 10, "oppo": -1}


def units(hived: dict[str, Any]) -> dict[str, dict[str, int]]:
    """GPUs, processors and memory (MiB) of one cell, by SKU."""
    skus = hived["physicalCluster"]["skuTypes"]
    return {
        name: {"cpu": _whole(sku.get("cpu")), "memory": megabytes(sku.get("memory")), "gpu": _whole(sku.get("gpu"))}
        for name, sku in skus.items()
    }


def nodes(hived: dict[str, Any]) -> dict[str, list[str]]:
    """The nodes that have a SKU, by SKU."""
    found: dict[str, list[str]] = {}
    for cell in hived["physicalCluster"].get("physicalCells", []):
        for child in cell.get("cellChildren", []):
            found.setdefault(leaf(hived, cell["cellType"]), []).append(child["cellAddress"])
    return found


def leaf(hived: dict[str, Any], cell_type: str) -> str:
    """The SKU that a type of cells consists of; a virtual cluster's type is the last part of its chain."""
    types = hived["physicalCluster"].get("cellTypes", {})
    name = cell_type.split(".")[-1]
    while name in types:
        name = types[name]["childCellType"]
    return name


def leaves(hived: dict[str, Any], cell_type: str) -> int:
    """How many cells of a SKU one cell of a type has."""
    types = hived["physicalCluster"].get("cellTypes", {})
    name, number = cell_type.split(".")[-1], 1
    while name in types:
        number *= types[name]["childCellNumber"]
        name = types[name]["childCellType"]
    return number


def quotas(hived: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The cells that each virtual cluster has of each SKU."""
    found: dict[str, dict[str, int]] = {}
    for name, cluster in (hived.get("virtualClusters") or {}).items():
        cells = found.setdefault(name, {})
        for cell in cluster.get("virtualCells", []):
            sku = leaf(hived, cell["cellType"])
            cells[sku] = cells.get(sku, 0) + cell["cellNumber"] * leaves(hived, cell["cellType"])
    return found


def validate(job: dict[str, Any], hived: dict[str, Any]) -> None:
    """Give each task role its `hivedPodSpec`; Refusal 400 InvalidProtocolError for what hived would never place."""
    wish = job.get("extras", {}).get("hivedScheduler") or {}
    cluster = job.get("defaults", {}).get("virtualCluster", "default")
    every = units(hived)
    # A cluster that hived does not know has no limits here: the user's rights to it are checked elsewhere.
    own = quotas(hived).get(cluster, {})
    allowed = {sku: every[sku] for sku in own if sku in every} or every
    asked = 0
    for name, role in job["taskRoles"].items():
        wanted = wish.get("taskRoles", {}).get(name, {})
        sku = wanted.get("skuType")
        if sku is not None and sku not in every:
            raise refuse(f"Taskrole {name} has unknown skuType {sku}, allow {','.join(every)}.")
        if sku is not None and sku not in allowed:
            raise refuse(f"Taskrole {name} has skuType {sku}, VC {cluster} only allows {','.join(allowed)}.")
        least = {part: min(unit[part] for unit in allowed.values()) for part in ("gpu", "cpu", "memory")}
        number = _cells(name, role["resourcePerInstance"], every[sku] if sku else least)
        asked += number * role.get("instances", 1)
        role["hivedPodSpec"] = {
            "virtualCluster": cluster,
            "priority": PRIORITIES[wish.get("jobPriorityClass", "test")],
            "pinnedCellId": wanted.get("pinnedCellId"),
            "leafCellType": sku,
            "leafCellNumber": number,
            "affinityGroup": None,
        }
    unknown = next((name for name in wish.get("taskRoles", {}) if name not in job["taskRoles"]), None)
    if unknown:
        raise refuse(f"Taskrole {unknown} does not exist.")
    quota = sum(own.values())
    gang = job.get("extras", {}).get("gangAllocation", True) is True
    if own and asked > quota and gang and wish.get("jobPriorityClass") != "oppo":
        raise refuse(f"Job requests {asked} SKUs, exceeds maximum {quota} SKUs in VC {cluster}.")


def _cells(role: str, wanted: dict[str, Any], cell: dict[str, int]) -> int:
    number = 0
    for key, part, word in (("gpu", "gpu", "GPU"), ("cpu", "cpu", "CPU"), ("memoryMB", "memory", "memory")):
        asked = wanted.get(key, 0)
        if asked > 0 and cell[part] == 0:
            raise refuse(
                f"Taskrole {role} requests {asked} {word}, but SKU does not configure {word}. "
                f"Please contact admin if the taskrole needs {word} resources."
            )
        if asked > 0:
            number = max(number, math.ceil(asked / cell[part]))
    return number


def megabytes(quantity: object) -> int:
    """A quantity of memory as rest-server reads it, in MiB."""
    number, unit = _whole(quantity), re.sub("[0-9]", "", str(quantity))
    factor = {"Ti": 2**20, "Gi": 2**10, "Mi": 1, "Ki": 2**-10}.get(unit, 2**-20)
    return int(number * factor)


def _whole(value: object) -> int:
    match = re.match(r"\s*(\d+)", str(value))
    return int(match[1]) if match else 0
