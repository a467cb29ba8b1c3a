"""kubectl, as paictl uses it. Upstream speaks to the API server by Python's client; kubectl stands for that too."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


def run(kubeconfig: str, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run kubectl; with `check`, its failure ends paictl with status 1, as a failed call of the API does."""
    argv = ["kubectl", f"--kubeconfig={Path(kubeconfig).expanduser()}", *words]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        logger.error("Exception when calling CoreV1Api: %s", done.stderr.strip())
        sys.exit(1)
    return done


def configmap(kubeconfig: str, name: str) -> dict[str, str] | None:
    """The data of a ConfigMap of namespace default; None when there is none."""
    found = run(kubeconfig, "get", "configmap", name, "--ignore-not-found", "-o", "json").stdout
    if not found:
        logger.info("Couldn't find configmap named %s", name)
        return None
    return json.loads(found).get("data") or {}


def put_configmap(kubeconfig: str, name: str, data: dict[str, str]) -> None:
    """Make or replace a ConfigMap of namespace default. Not by `apply`, whose annotation would hold the data again."""
    thing: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    exists = run(kubeconfig, "get", "configmap", name, "--ignore-not-found", "-o", "name").stdout
    run(kubeconfig, "replace" if exists else "create", "-f", "-", stdin=json.dumps(thing))
    logger.info("configmap named %s is %s.", name, "updated" if exists else "created")
