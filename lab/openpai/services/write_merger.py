"""database-controller's stand-in: the one place that writes jobs into the database, and carries them to Kubernetes.

One image runs its parts, as upstream: `database-initializer`, `write-merger`, `framework-watcher`,
`cluster-event-watcher` and `poller`. Of the last but one there is only the process: events are not kept."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request
from typing import Any

import yaml

from . import fault, kube
from .database import Client
from .kube import Kube, KubeError
from .rest.details import state
from .web import Answer, Refusal, Request, Server, Site

FRAMEWORKS = "/apis/frameworkcontroller.microsoft.com/v1/namespaces/default/frameworks"
COLLECTIONS = {
    "Secret": "/api/v1/namespaces/default/secrets",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
}
NEW = {"state": "AttemptCreationPending", "attemptStatus": {"taskRoleStatuses": []}}


def row(snapshot: dict[str, Any], submitted: int, add_ons: list[dict[str, Any]]) -> dict[str, Any]:
    """The database's row of a Framework."""
    annotations, spec = snapshot["metadata"]["annotations"], snapshot["spec"]
    labels, status = snapshot["metadata"]["labels"], snapshot["status"]
    code = status["attemptStatus"].get("completionStatus", {}).get("code")
    hived = (yaml.safe_load(annotations["config"]).get("extras") or {}).get("hivedScheduler") or {}
    return {
        "name": snapshot["metadata"]["name"],
        "jobName": annotations["jobName"],
        "userName": labels["userName"],
        "virtualCluster": labels["virtualCluster"],
        "jobConfig": annotations["config"],
        "jobPriority": hived.get("jobPriorityClass"),
        "executionType": spec["executionType"],
        "totalGpuNumber": int(annotations["totalGpuNumber"]),
        "totalTaskNumber": sum(role["taskNumber"] for role in spec["taskRoles"]),
        "totalTaskRoleNumber": len(spec["taskRoles"]),
        "submissionTime": submitted,
        "creationTime": snapshot["metadata"].get("creationTimestamp"),
        "launchTime": status.get("runTime") or status.get("completionTime"),
        "completionTime": status.get("completionTime"),
        "appExitCode": code,
        "subState": status["state"],
        "state": state(status["state"], code),
        "snapshot": snapshot,
        "addOns": add_ons,
    }


class Merger:
    """Rows in the database and Frameworks in Kubernetes, kept alike."""

    def __init__(self, database: Client, api: Kube):
        self._database = database
        self._api = api
        self._lock = threading.Lock()

    def put(self, name: str, request: dict[str, Any]) -> None:
        """A new job, in the database first; Kubernetes gets it now, or from the poller."""
        snapshot = request["frameworkRequest"] | {"status": NEW}
        with self._lock:
            new = row(snapshot, request["submissionTime"], request["addOns"])
            self._database.put("frameworks", name, new | {"requestSynced": False, "apiServerDeleted": False})
        self.synchronize(name)

    def patch(self, name: str, execution: str) -> None:
        """Start or stop a job."""
        with self._lock:
            known = self._known(name)
            known["snapshot"]["spec"]["executionType"] = execution
            known |= {"executionType": execution, "requestSynced": False}
            self._database.put("frameworks", name, known)
        self.synchronize(name)

    def watched(self, kind: str, framework: dict[str, Any]) -> None:
        """What has become of a Framework; one that the database does not know is deleted."""
        name = framework["metadata"]["name"]
        with self._lock:
            known = self._database.get("frameworks", name)
            if known is None:
                self._api.delete(f"{FRAMEWORKS}/{name}")
                return
            wanted = known["snapshot"]["spec"]
            snapshot = framework | {"spec": wanted, "status": framework.get("status") or NEW}
            new = row(snapshot, known["submissionTime"], known["addOns"])
            synced = framework["spec"]["executionType"] == wanted["executionType"]
            gone = kind == "DELETED" and new["subState"] == "Completed"
            new |= {"requestSynced": synced and (kind != "DELETED" or gone), "apiServerDeleted": gone}
            if gone:
                self._clear(new)
            self._database.put("frameworks", name, new)

    def synchronize(self, name: str) -> None:
        """Carry a job's request to Kubernetes; an API server that refuses is told in the log, and asked again later."""
        known = self._known(name)
        request = {key: known["snapshot"][key] for key in ("apiVersion", "kind", "spec")}
        metadata = {key: known["snapshot"]["metadata"][key] for key in ("name", "labels", "annotations")}
        try:
            if self._api.merge(f"{FRAMEWORKS}/{name}", {"spec": {"executionType": known["executionType"]}}) is None:
                for thing in known["addOns"]:
                    self._api.create(COLLECTIONS[thing["kind"]], thing)
                self._api.create(FRAMEWORKS, request | {"metadata": metadata})
        except KubeError as error:
            print(f"framework {name}: {error}", flush=True)

    def poll(self) -> None:
        """What the poller does: jobs that Kubernetes has not heard of, and completed ones that it need not keep."""
        for known in self._database.all("frameworks"):
            if known["apiServerDeleted"]:
                continue
            if known["subState"] == "Completed":
                self._api.delete(f"{FRAMEWORKS}/{known['name']}")
            elif not known["requestSynced"]:
                self.synchronize(known["name"])

    def _clear(self, known: dict[str, Any]) -> None:
        for thing in known["addOns"]:
            self._api.delete(f"{COLLECTIONS[thing['kind']]}/{thing['metadata']['name']}")
        known["addOns"] = []

    def _known(self, name: str) -> dict[str, Any]:
        known = self._database.get("frameworks", name)
        if known is None:
            raise Refusal(404, "Not Found", f"Cannot find framework {name}.")
        return known


def site(merger: Merger) -> Site:
    """The write merger's own API."""

    def missing(request: Request) -> Answer:
        raise Refusal(404, "Not Found", f"Cannot {request.method} {request.path}")

    def put(request: Request) -> Answer:
        merger.put(request.parameters["name"], request.content)
        return Answer({"message": "ok"})

    def patch(request: Request) -> Answer:
        merger.patch(request.parameters["name"], request.content["spec"]["executionType"])
        return Answer({"message": "ok"})

    def event(request: Request) -> Answer:
        merger.watched(request.parameters["kind"], request.content)
        return Answer({"message": "ok"})

    found = Site(missing)
    found.add("GET", "/api/v1/ping", lambda _: Answer({"message": "ok"}))
    found.add("PUT", "/api/v1/frameworkRequest/:name", put)
    found.add("PATCH", "/api/v1/frameworkRequest/:name", patch)
    found.add("POST", "/api/v1/watchEvents/:kind", event)
    return found


def watch(api: Kube, merger_url: str) -> None:
    """Tell the write merger of every change of a Framework, for ever."""

    def tell(kind: str, framework: dict[str, Any]) -> None:
        url = f"{merger_url}/api/v1/watchEvents/{kind}"
        body, headers = json.dumps(framework).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()

    api.follow(FRAMEWORKS, tell)


def initialize(database: Client) -> None:
    """Wait until the database takes the password and has its tables."""
    while True:
        try:
            database.all("frameworks")
            return
        except Refusal as error:
            print(error.message, flush=True)
            time.sleep(2)


def poll(merger: Merger, seconds: float) -> None:
    """Have the merger look at every job every so many seconds, for ever."""
    while True:
        time.sleep(seconds)
        try:
            merger.poll()
        except (KubeError, Refusal) as error:
            print(f"polling: {error}", flush=True)


def _database() -> Client:
    return Client(os.environ["DB_CONNECTION_STR"])


def main() -> None:
    """Run one part of the controller: `python3 -m services.write_merger PART`."""
    part = sys.argv[1]
    fault.begin()
    if part == "database-initializer":
        initialize(_database())
    elif part == "write-merger":
        Server(site(Merger(_database(), kube.connect())), int(os.environ["PORT"])).serve_forever()
    elif part == "framework-watcher":
        watch(kube.connect(), os.environ["WRITE_MERGER_URL"])
    elif part == "poller":
        poll(Merger(_database(), kube.connect()), float(os.environ["INTERVAL_SECOND"]))
    elif part == "cluster-event-watcher":
        threading.Event().wait()
    else:
        sys.exit(f"no part of the database controller: {part}")


if __name__ == "__main__":
    main()
