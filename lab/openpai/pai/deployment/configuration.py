"""The configuration: from a folder into ConfigMap pai-configuration, from there to a folder and to the object model."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from . import kubectl, objects

logger = logging.getLogger(__name__)

PROMPT = "Please input the cluster-id which you wanna operate: "
SETTLE_SECONDS = 1
"""How long a new cluster id is given to arrive; upstream waits 5 s."""


def cluster_id(kubeconfig: str) -> str | None:
    """The id that the cluster has; None before the first push."""
    found = kubectl.configmap(kubeconfig, "pai-cluster-id")
    return None if found is None else found["cluster-id"]


def push(folder: str, kubeconfig: str, names: list[str]) -> None:
    """Write files of a folder into the cluster, once the person has given the cluster's id."""
    source = Path(folder).expanduser()
    missing = [name for name in names if not (source / name).is_file()]
    for name in missing:
        logger.error("Cannot find %s in your config folder.", name)
    if missing:
        raise SystemExit("Some configuration files not found.")
    # Upstream works on a copy in its own folder, and removes it.
    copy = Path(f"tmp-config-{int(time.time())}")
    shutil.copytree(source, copy)
    try:
        configured = yaml.safe_load((copy / "services-configuration.yaml").read_text())
        wanted = configured.get("cluster", {}).get("common", {}).get("cluster-id", "pai")
        logger.info("Configured cluster-id in services configuration : %s", wanted)
        known = cluster_id(kubeconfig)
        if known is None:
            logger.warning("No cluster-id found in your cluster.")
            known = _set_id(kubeconfig, wanted)
        _check_id(known)
        if known != wanted:
            logger.warning("The old cluster-id [ %s ] will be updated to [ %s ]!", known, wanted)
            _set_id(kubeconfig, wanted)
        _check_version(kubeconfig)
        data = {name: (copy / name).read_text() for name in names}
        kubectl.put_configmap(kubeconfig, "pai-configuration", data)
    finally:
        shutil.rmtree(copy)
    logger.info("Cluster Configuration synchronization from external storage is successful.")


def download(folder: str, kubeconfig: str) -> None:
    """Write the cluster's configuration into a folder, readable by all, as upstream leaves it."""
    known = cluster_id(kubeconfig)
    if known is None:
        logger.error(
            "No cluster_id found in your cluster, which should be done the first time you upload your configuration."
        )
        sys.exit(1)
    _check_id(known)
    _check_version(kubeconfig)
    found = kubectl.configmap(kubeconfig, "pai-configuration")
    if found is None:
        logger.error("The configuration doesn't exists on your cluster. Please upload it first.")
        sys.exit(1)
    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    for name, text in found.items():
        (target / name).write_text(text)


def model(kubeconfig: str) -> dict[str, Any]:
    """The cluster object model. The files that it is read from stay in /tmp, as upstream's do."""
    folder = os.path.join(tempfile.gettempdir(), f"tmp-service-config-{int(time.time())}")
    download(folder, kubeconfig)
    return objects.build(Path(folder))


def _check_id(known: str) -> None:
    if input(PROMPT) != known:
        logger.error("Ops, maybe you find the wrong cluster. Please check your input and the target cluster.")
        sys.exit(1)
    logger.info("Congratulations: Cluster-id checking passed.")


def _set_id(kubeconfig: str, wanted: str) -> str:
    logger.warning("cluster-id [ %s ] will be updated into your cluster.", wanted)
    kubectl.put_configmap(kubeconfig, "pai-cluster-id", {"cluster-id": wanted})
    time.sleep(SETTLE_SECONDS)
    return wanted


def _check_version(kubeconfig: str) -> None:
    own = Path("version/PAI.VERSION").read_text().strip()
    found = kubectl.configmap(kubeconfig, "pai-version") or {}
    if found.get("PAI.VERSION", "").strip() != own:
        logger.warning("The paictl version is different from the cluster version")
        logger.warning("Ignore this message if you are upgrading, downgrading or deploying the cluster form scratch.")
