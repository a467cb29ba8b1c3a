"""rest-server's stand-in: `python3 -m services.rest_server`, with upstream's environment and mounted configuration."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import fault, kube
from .database import Client
from .kube import Kube, KubeError
from .rest import routes
from .rest.api import Api
from .rest.clusters import Clusters
from .rest.frameworks import Settings
from .rest.jobs import Jobs, Logs
from .rest.people import Groups, Tokens, Users
from .web import Server

PORT = 8080
GROUPS = Path("/group-configuration/group.yaml")
HIVED = Path("/hived-spec/hivedscheduler.yaml")
EXIT_CODES = Path("/k8s-job-exit-spec-configuration/k8s-job-exit-spec.yaml")


def build(
    api: Kube, environment: Mapping[str, str], hived: dict[str, Any] | None, exit_codes: list[dict[str, Any]]
) -> Api:
    """The API over a Kubernetes API server, by upstream's environment variables."""
    settings = Settings(
        runtime_image=environment["LAUNCHER_RUNTIME_IMAGE"],
        pull_secret=environment["LAUNCHER_RUNTIME_IMAGE_PULL_SECRETS"],
        rest_uri=environment["REST_SERVER_URI"],
        api_uri=environment["K8S_APISERVER_URI"],
        first_port=int(environment["SCHEDULE_PORT_START"]),
        last_port=int(environment["SCHEDULE_PORT_END"]),
        device=environment["DEFAULT_COMPUTING_DEVICE_TYPE"],
        hived=hived,
    )
    specs = {spec["code"]: spec for spec in exit_codes}
    jobs = Jobs(Client(environment["SQL_CONNECTION_STR"]), environment["WRITE_MERGER_URL"], specs)
    manager = (environment[f"LOG_MANAGER_{part}"] for part in ("PORT", "ADMIN_NAME", "ADMIN_PASSWORD"))
    tokens = Tokens(api, environment["JWT_SECRET"], environment["JWT_TOKEN_EXPIRE_TIME"])
    clusters = Clusters(api, hived, settings.device)

    def version() -> str | None:
        found = api.get("/api/v1/namespaces/default/configmaps/pai-version")
        return found["data"]["PAI.VERSION"].strip() if found else None

    return Api(Users(api), Groups(api), tokens, jobs, Logs(*manager), clusters, settings, version)


def found(api: Api, groups: dict[str, Any], name: str, password: str) -> None:
    """Make the configured groups and the administrator that are not there yet; who is there keeps the password."""
    configured = [groups["adminGroup"], groups["defaultGroup"], *(groups.get("grouplist") or [])]
    for group in configured:
        about = (group["groupname"], group["description"], group["externalName"], group["extension"])
        api.groups.ensure(*about)
    for cluster in api.clusters.names():
        api.groups.ensure(cluster, "", "", {"acls": {"admin": False, "virtualClusters": [cluster]}})
    member = list(dict.fromkeys(group["groupname"] for group in reversed(configured)))
    user = {"username": name, "email": "", "password": password, "grouplist": member, "extension": {}}
    api.users.create(user)


def main() -> None:
    """Serve on the port that the pod opens to its node."""
    fault.begin()
    hived = yaml.safe_load(HIVED.read_text()) if os.environ["LAUNCHER_SCHEDULER"] == "hivedscheduler" else None
    api = build(kube.connect(), os.environ, hived, yaml.safe_load(EXIT_CODES.read_text()))
    administrator = os.environ["DEFAULT_PAI_ADMIN_USERNAME"], os.environ["DEFAULT_PAI_ADMIN_PASSWORD"]

    def begin() -> None:
        while True:
            try:
                return found(api, yaml.safe_load(GROUPS.read_text()), *administrator)
            except KubeError as error:
                print(f"users and groups: {error}", flush=True)
                time.sleep(2)

    threading.Thread(target=begin, daemon=True).start()
    Server(routes.site(api), PORT).serve_forever()


if __name__ == "__main__":
    main()
