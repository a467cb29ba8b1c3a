"""Services: their manifests rendered, their scripts run, in the order of what each needs."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import jinja2
import yaml

logger = logging.getLogger(__name__)

TRIES = 5
BETWEEN_TRIES = 10
"""Seconds."""
LINE = "-----------------------------------------------------------"
WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet", "Pod")


def known() -> list[str]:
    """Every service that can be managed."""
    return sorted(path.parts[1] for path in Path("src").glob("*/deploy/service.yaml"))


class Services:
    """The services of a cluster, rendered with its object model."""

    COMMANDS: ClassVar[dict[str, Callable[[Services, list[str]], None]]]

    def __init__(self, model: dict[str, Any], kubeconfig: str):
        self._model = model
        self._done: set[str] = set()

    def start(self, names: list[str]) -> None:
        """Start services, each after those of them that it needs; one that fails five times ends paictl."""
        for name in self._there(names):
            self._start(name, names)

    def stop(self, names: list[str]) -> None:
        """Stop services; what others stand on comes last."""
        for name in self._last(names, "cluster-configuration"):
            self._once(name, "stop")

    def delete(self, names: list[str]) -> None:
        """Stop services and delete what they keep."""
        for name in self._last(names, "cluster-configuration"):
            self._once(name, "delete")

    def refresh(self, names: list[str]) -> None:
        """Have services take a changed configuration."""
        for name in self._there(names):
            self._once(name, "refresh")

    def _start(self, name: str, names: list[str]) -> None:
        if name in self._done:
            return
        about = _about(name)
        for needed in about.get("prerequisite") or []:
            if needed in names and needed in known():
                self._start(needed, names)
        for attempt in range(TRIES):
            logger.info(LINE)
            logger.info("Begin to generate service %s's template file", name)
            self._render(name, about)
            logger.info("Begin to start service: [ %s ]", name)
            if _script(name, about, "start") == 0:
                break
            logger.error("Failed to execute the start script of service %s", name)
            logger.error("Failed to start service %s", name)
            if attempt + 1 == TRIES:
                logger.error("Have retried %s times, but service %s doesn't start. Please check it.", TRIES, name)
                sys.exit(1)
            time.sleep(BETWEEN_TRIES)
        self._clean(name, about)
        logger.info("Successfully start %s", name)
        logger.info(LINE)
        self._done.add(name)

    def _once(self, name: str, action: str) -> None:
        about = _about(name)
        logger.info(LINE)
        logger.info("Begin to generate service %s's template file", name)
        self._render(name, about)
        logger.info("Begin to %s service: [ %s ]", action, name)
        if _script(name, about, action):
            logger.error("Failed to execute the %s script of service %s", action, name)
            sys.exit(1)
        self._clean(name, about)
        logger.info("Successfully %s %s", action, name)
        logger.info(LINE)

    def _render(self, name: str, about: dict[str, Any]) -> None:
        folder = Path("src", name, "deploy")
        for target in about.get("template-list", []):
            text = (folder / f"{target}.template").read_text()
            rendered = jinja2.Template(text).render(cluster_cfg=self._model)
            if "deploy-rules" in about and "yaml" in target and "delete" not in target:
                rendered = placed(rendered, about["deploy-rules"])
            (folder / target).write_text(rendered)

    def _clean(self, name: str, about: dict[str, Any]) -> None:
        for target in about.get("template-list", []):
            Path("src", name, "deploy", target).unlink(missing_ok=True)

    def _there(self, names: list[str]) -> list[str]:
        for name in set(names) - set(known()):
            logger.warning("service.yaml can't be found on the directory of %s", name)
            logger.warning("Please check your source code. The %s's service will be skipped.", name)
        return [name for name in names if name in known()]

    def _last(self, names: list[str], last: str) -> list[str]:
        return sorted(self._there(names), key=lambda name: name == last)


Services.COMMANDS = {
    "start": Services.start,
    "stop": Services.stop,
    "delete": Services.delete,
    "refresh": Services.refresh,
}


def placed(manifest: str, rules: list[dict[str, str]]) -> str:
    """A workload's manifest with the nodes that it may run on, by the labels of `rules`; another manifest as it is."""
    thing = yaml.safe_load(manifest)
    if not isinstance(thing, dict) or thing.get("kind") not in WORKLOADS:
        return manifest
    operators = {"in": "In", "notin": "NotIn"}
    terms = [
        {"key": label, "operator": operators[operator.lower()], "values": ["true"]}
        for rule in rules
        for operator, label in rule.items()
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    pod = thing["spec"]["template"]["spec"]
    pod["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return yaml.safe_dump(thing)


def _about(name: str) -> dict[str, Any]:
    return yaml.safe_load(Path("src", name, "deploy/service.yaml").read_text())


def _script(name: str, about: dict[str, Any], action: str) -> int:
    logger.info("Begin to execute service %s's %s script.", name, action)
    sys.stdout.flush()
    return subprocess.run(["/bin/bash", f"src/{name}/deploy/{about[f'{action}-script']}"], check=False).returncode
