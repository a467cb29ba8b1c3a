"""hivedscheduler's stand-in: tells what its configuration gives to whom. It places no pods: the default scheduler does.

`python3 -m services.hivedscheduler` serves; with `scheduler` it stands for a virtual cluster's scheduler, and waits."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from . import fault
from .rest import skus
from .web import Answer, Refusal, Request, Server, Site

CONFIG = Path("/hivedscheduler-config/hivedscheduler.yaml")


def physical(hived: dict[str, Any]) -> list[dict[str, Any]]:
    """The cluster's cells: pools, nodes, and what each node has of its SKU."""
    found = []
    for cell in hived["physicalCluster"]["physicalCells"]:
        sku = skus.leaf(hived, cell["cellType"])
        types = hived["physicalCluster"]["cellTypes"]
        nodes = []
        for child in cell["cellChildren"]:
            number = skus.leaves(hived, types[cell["cellType"]]["childCellType"])
            address = child["cellAddress"]
            cells = [_cell(sku, sku, f"{address}/{index}") for index in range(number)]
            node = _cell(sku, types[cell["cellType"]]["childCellType"], address)
            nodes.append(node | {"isNodeLevel": True, "cellChildren": cells})
        addresses = "/".join(node["cellAddress"] for node in nodes)
        found.append(_cell(sku, cell["cellType"], addresses) | {"cellChildren": nodes})
    return found


def virtual(hived: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The cells of each virtual cluster."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, quotas in skus.quotas(hived).items():
        cells = found.setdefault(name, [])
        for sku, number in quotas.items():
            cells += [_cell(sku, sku, f"{name}/{sku}/{index}") for index in range(number)]
    return found


def site(hived: dict[str, Any]) -> Site:
    """hived's inspection API."""

    def missing(request: Request) -> Answer:
        raise Refusal(404, None, f"Not found: {request.path}")

    def cluster(request: Request) -> Answer:
        cells = virtual(hived).get(request.parameters["name"])
        if cells is None:
            raise Refusal(404, None, f"VC {request.parameters['name']} not found")
        return Answer(cells)

    found = Site(missing)
    base = "/v1/inspect/clusterstatus"
    found.add("GET", f"{base}/physicalcluster", lambda _: Answer(physical(hived)))
    found.add("GET", f"{base}/virtualclusters", lambda _: Answer(virtual(hived)))
    found.add("GET", f"{base}/virtualclusters/:name", cluster)
    found.add("GET", "/v1/inspect/affinitygroups", lambda _: Answer({"items": []}))
    return found


def _cell(sku: str, kind: str, address: str) -> dict[str, Any]:
    state = {"cellState": "Free", "cellHealthiness": "Healthy", "cellPriority": -2}
    return {"leafCellType": sku, "cellType": kind, "cellAddress": address, **state}


def main() -> None:
    """Run in a pod; a configuration that names no SKUs ends it."""
    fault.begin()
    while sys.argv[1:] == ["scheduler"]:
        time.sleep(3600)
    hived = yaml.safe_load(CONFIG.read_text())
    skus.units(hived)
    port = re.sub(r".*:", "", hived["webServerAddress"])
    Server(site(hived), int(port)).serve_forever()


if __name__ == "__main__":
    main()
