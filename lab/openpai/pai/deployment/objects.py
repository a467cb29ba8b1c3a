"""The cluster object model: what templates of manifests are rendered with.

For each service its defaults (src/NAME/config/NAME.yaml) under what services-configuration.yaml says, and addresses."""

from __future__ import annotations

import base64
import json
import logging
import sys
from pathlib import Path
from typing import Any

import yaml

logger = logging.getLogger(__name__)

OTHERS = {"prometheus": (9091, "url"), "alert-manager": (9093, "url"), "grafana": (3000, "url")}
"""Services that the stand-in has not, whose addresses others are told: port and key."""

Model = dict[str, Any]


def build(folder: Path) -> Model:
    """The model of the configuration in a folder; what is wrong with it ends paictl with status 1."""
    layout = yaml.safe_load((folder / "layout.yaml").read_text())
    configured = yaml.safe_load((folder / "services-configuration.yaml").read_text())
    model: Model = {}
    for path in sorted(Path("src").glob("*/config/*.yaml")):
        name = path.stem
        model[name] = merge(yaml.safe_load(path.read_text()) or {}, configured.get(name) or {})
    masters = [host for host in layout["machine-list"] if host.get("pai-master") == "true"]
    if len(masters) != 1:
        fail("No master node specified" if not masters else "Only one pai-master node supported")
    address = masters[0]["hostip"]
    kubernetes = {"api-servers-url": f"https://{address}:6443", "dashboard-url": f"https://{address}:9090"}
    model["layout"] = {
        "kubernetes": layout.get("kubernetes", kubernetes),
        "machine-sku": layout["machine-sku"],
        "machine-list": {host["hostname"]: host for host in layout["machine-list"]},
    }
    for name, (port, key) in OTHERS.items():
        model[name] = {key: f"http://{address}:{port}"}
    _registry(model["cluster"]["docker-registry"])
    _addresses(model, address)
    _hived(model["hivedscheduler"])
    for key in ("default-pai-admin-username", "default-pai-admin-password"):
        if key not in model["rest-server"]:
            fail(f'"{key}" is required in rest-server')
    return model


def merge(defaults: Model, given: Model) -> Model:
    """`defaults` under `given`, level by level."""
    merged = dict(defaults)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def fail(message: str) -> None:
    """End paictl as a failed validation does."""
    logger.error(message)
    sys.exit(1)


def _registry(registry: Model) -> None:
    domain, namespace = registry["domain"], registry["namespace"]
    registry["prefix"] = f"{namespace}/" if domain == "docker.io" else f"{domain}/{namespace}/"
    login = f"{registry.get('username', '')}:{registry.get('password', '')}"
    auths = {"auths": {domain: {"auth": base64.b64encode(login.encode()).decode()}}} if "username" in registry else {}
    # Upstream logs in with Docker and takes the file that this leaves.
    registry["credential"] = json.dumps(auths)
    registry["base64code"] = base64.b64encode(registry["credential"].encode()).decode()


def _addresses(model: Model, address: str) -> None:
    for name in ("rest-server", "webportal"):
        model[name]["uri"] = f"http://{address}:{model[name]['server-port']}"
    model["pylon"]["uri"] = f"http://{address}:{model['pylon']['port']}"
    controller = model["database-controller"]
    controller["write-merger-url"] = f"http://{address}:{controller['write-merger-port']}"
    sql = model["postgresql"]
    sql["connection-str"] = f"postgresql://{sql['user']}:{sql['passwd']}@{address}:{sql['port']}/{sql['db']}"
    hived = model["hivedscheduler"]
    hived["webservice"] = f"http://{address}:{hived['webservice-port']}"
    devices = [
        sku["computing-device"]["type"]
        for host in model["layout"]["machine-list"].values()
        if host.get("pai-worker") == "true"
        and "computing-device" in (sku := model["layout"]["machine-sku"][host["machine-type"]])
    ]
    model["rest-server"]["default-computing-device-type"] = devices[0] if devices else "nvidia.com/gpu"


def _hived(hived: Model) -> None:
    text = hived.get("config") or ""
    hived["structured-config"] = yaml.safe_load(text) if text else {}
    hived["config"] = text.replace("\n", "\n    ")
