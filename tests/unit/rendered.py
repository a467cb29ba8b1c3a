"""What is rendered for OpenPAI's services, for clusters of four GPU workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from cluster import Cluster, load, secrets
from cluster.openpai import (
    openpai_files,
    parse_resources,
)
from tests.unit.cluster_folder import C, write

NODE = {"cpu": "23900m", "memory": "230000000Ki"}
NODES = {f"openpai-00{number}": NODE | {"nvidia.com/gpu": "4"} for number in range(1, 5)} | {"openpai-master-01": NODE}
BASE = {"user": "paiadmin", "installer": "kubespray"}


def cluster(folder: Path, **keys: Any) -> Cluster:
    """A cluster of four workers and a master, with these keys in its config."""
    return load(write(folder, {C: json.dumps(BASE | keys)}))


def services(found: Cluster, nodes: dict[str, Any] = NODES) -> tuple[dict[str, Any], list[str]]:
    """services-configuration.yaml and the warnings, for nodes."""
    parsed = parse_resources(json.dumps({"nodes": nodes}), "nodes.json")
    rendered = openpai_files(found, parsed, secrets.services(found), file="nodes.json")
    return yaml.safe_load(rendered.files["services-configuration.yaml"]), [str(one) for one in rendered.warnings]


def hived(found: Cluster, nodes: dict[str, Any] = NODES) -> dict[str, Any]:
    """HiveD's configuration in it."""
    return yaml.safe_load(services(found, nodes)[0]["hivedscheduler"]["config"])
