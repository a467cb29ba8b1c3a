"""frameworkcontroller's stand-in: pods for Frameworks. It brings their definition along, as the real one does."""

from __future__ import annotations

import datetime
import queue
import threading
from typing import Any

from . import fault, kube
from .frameworks import COMPLETED, step
from .kube import Kube, KubeError

GROUP = "frameworkcontroller.microsoft.com"
FRAMEWORKS = f"/apis/{GROUP}/v1/namespaces/default/frameworks"
PODS = "/api/v1/namespaces/default/pods"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"frameworks.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "frameworks", "singular": "framework", "kind": "Framework"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


class Controller:
    """Brings Frameworks and their pods together, one Framework at a time."""

    def __init__(self, api: Kube):
        self._api = api
        self._due: queue.Queue[str] = queue.Queue()

    def run(self) -> None:
        """Work for ever: whenever a Framework or a pod of one has changed."""
        self._api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
        for path, seen in ((FRAMEWORKS, self._framework), (f"{PODS}", self._pod)):
            threading.Thread(target=self._api.follow, args=(path, seen), daemon=True).start()
        while not self._api.closed:
            name = self._due.get()
            try:
                self.reconcile(name)
            except KubeError as error:
                print(f"framework {name}: {error}", flush=True)
                threading.Timer(2, self._due.put, (name,)).start()

    def reconcile(self, name: str) -> None:
        """Do what one Framework needs next."""
        framework = self._api.get(f"{FRAMEWORKS}/{name}")
        if framework is None or (framework.get("status") or {}).get("state") == COMPLETED:
            return
        selector = {"labelSelector": f"FC_FRAMEWORK_NAME={name}"}
        listed = (self._api.get(PODS, **selector) or {"items": []})["items"]
        pods = {pod["metadata"]["name"]: pod for pod in listed}
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        status, made, doomed = step(framework, pods, now)
        if status != framework.get("status"):
            self._api.replace(f"{FRAMEWORKS}/{name}", framework | {"status": status})
        for pod in made:
            self._api.create(PODS, pod)
        for doomed_name in doomed:
            self._api.delete(f"{PODS}/{doomed_name}")

    def _framework(self, kind: str, framework: dict[str, Any]) -> None:
        if kind != "DELETED":
            self._due.put(framework["metadata"]["name"])

    def _pod(self, kind: str, pod: dict[str, Any]) -> None:
        name = pod["metadata"].get("labels", {}).get("FC_FRAMEWORK_NAME")
        if name:
            self._due.put(name)


def main() -> None:
    """Run in a pod."""
    fault.begin()
    Controller(kube.connect()).run()


if __name__ == "__main__":
    main()
