"""The first job: what is submitted for each kind of machine. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

ROLE = "first"
# What OpenPAI's runtime calls in a job's image before the job's own commands.
NEEDED_IN_IMAGE = ("bash", "cat", "find", "awk")


@dataclass(frozen=True)
class Kind:
    """A kind of machine as HiveD knows it, and a virtual cluster that has some; `sku` is empty without HiveD."""

    sku: str
    virtual_cluster: str = "default"


def kinds(services_configuration: str) -> list[Kind]:
    """The kinds of machine that jobs may ask for, from services-configuration.yaml; without HiveD a nameless one."""
    found: dict[str, Kind] = {}
    for name, cluster in _hived(services_configuration).items():
        for cell in cluster["virtualCells"]:
            # SKU-NODE-POOL.SKU-NODE
            sku = cell["cellType"].partition(".")[0].removesuffix("-NODE-POOL")
            found.setdefault(sku, Kind(sku, name))
    return list(found.values()) or [Kind("")]


def virtual_clusters(services_configuration: str) -> list[str]:
    """HiveD's virtual clusters by name; none without HiveD."""
    return list(_hived(services_configuration))


def _hived(services_configuration: str) -> dict[str, Any]:
    hived = yaml.safe_load(services_configuration).get("hivedscheduler", {}).get("config")
    return (yaml.safe_load(hived).get("virtualClusters") or {}) if hived else {}


def first_job(name: str, image: str, kind: Kind, commands: Sequence[str]) -> dict[str, Any]:
    """`commands` on one GPU of `kind`, as a job of OpenPAI's protocol version 2."""
    job: dict[str, Any] = {
        "protocolVersion": 2,
        "name": name,
        "type": "job",
        "prerequisites": [{"name": "image", "type": "dockerimage", "uri": image}],
        "taskRoles": {
            ROLE: {
                "instances": 1,
                "dockerImage": "image",
                "resourcePerInstance": {"cpu": 1, "memoryMB": 512, "gpu": 1},
                "commands": list(commands),
            }
        },
        "defaults": {"virtualCluster": kind.virtual_cluster},
    }
    if kind.sku:
        job["extras"] = {"hivedScheduler": {"taskRoles": {ROLE: {"skuNumber": 1, "skuType": kind.sku}}}}
    return job


def job_name(kind: Kind, moment: int) -> str:
    """A name that no other job has, in the characters that OpenPAI takes; `moment` is in seconds since 1970."""
    plain = re.sub(r"[^a-z0-9]+", "-", kind.sku.lower()).strip("-")
    return "-".join(part for part in ("first-job", plain, str(moment)) if part)
