"""The lab's OpenPAI services in this process, over a Kubernetes API server that keeps objects in memory."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.openpai.services import database, log_manager, rest_server, write_merger
from lab.openpai.services.frameworkcontroller import PODS, Controller
from lab.openpai.services.kube import Kube
from lab.openpai.services.rest import routes
from lab.openpai.services.web import Server, Site
from tests.unit.fake_kube import POLL, FakeKube

PASSWORD = "correct-horse"
HIVED = {
    "physicalCluster": {
        "skuTypes": {"H100": {"gpu": 1, "cpu": 4, "memory": "8192Mi"}},
        "cellTypes": {
            "H100-NODE": {"childCellType": "H100", "childCellNumber": 2, "isNodeLevel": True},
            "H100-NODE-POOL": {"childCellType": "H100-NODE", "childCellNumber": 1},
        },
        "physicalCells": [{"cellType": "H100-NODE-POOL", "cellChildren": [{"cellAddress": "worker-1"}]}],
    },
    "virtualClusters": {"default": {"virtualCells": [{"cellType": "H100-NODE-POOL.H100-NODE", "cellNumber": 1}]}},
}
EXIT_CODES = [{"code": code, "phrase": f"P{code}", "behavior": "UNKNOWN"} for code in (0, 256, -8000, -210)]
GROUPS = {
    "adminGroup": {
        "groupname": "admingroup",
        "description": "",
        "externalName": "",
        "extension": {"acls": {"admin": True, "virtualClusters": []}},
    },
    "defaultGroup": {
        "groupname": "default",
        "description": "",
        "externalName": "",
        "extension": {"acls": {"admin": False, "virtualClusters": ["default"]}},
    },
}


class OpenPai:
    """The services, at work. `kubelet` says what becomes of a new pod's phase; a test may change it."""

    def __init__(self, folder: Path, hived: dict[str, Any] | None) -> None:
        self.kube = FakeKube()
        self.phases = ["Pending", "Running", "Succeeded"]
        self.logs = folder / "logs"
        self._servers: list[Server] = []
        api = self._api = Kube(self.kube.url)
        tables = self._serve(database.site(folder / "database", "root", "secret"))
        connection = f"postgresql://root:secret@127.0.0.1:{tables}/openpai"
        merger = write_merger.Merger(database.Client(connection), api)
        merger_url = f"http://127.0.0.1:{self._serve(write_merger.site(merger))}"
        manager = self._serve(log_manager.site(self.logs, "worker-1", "admin", "logpass", "logsecret", 120))
        self.poll = merger.poll
        environment = {
            "LAUNCHER_RUNTIME_IMAGE": "openpai/openpai-runtime:v1.8.1",
            "LAUNCHER_RUNTIME_IMAGE_PULL_SECRETS": "pai-secret",
            "REST_SERVER_URI": "http://10.0.0.1:9186",
            "K8S_APISERVER_URI": "https://10.0.0.1:6443",
            "SCHEDULE_PORT_START": "15000",
            "SCHEDULE_PORT_END": "40000",
            "DEFAULT_COMPUTING_DEVICE_TYPE": "nvidia.com/gpu",
            "SQL_CONNECTION_STR": connection,
            "WRITE_MERGER_URL": merger_url,
            "LOG_MANAGER_PORT": str(manager),
            "LOG_MANAGER_ADMIN_NAME": "admin",
            "LOG_MANAGER_ADMIN_PASSWORD": "logpass",
            "JWT_SECRET": "jwtsecret",
            "JWT_TOKEN_EXPIRE_TIME": "7d",
        }
        version = {"metadata": {"name": "pai-version"}, "data": {"PAI.VERSION": "v1.8.1\n"}}
        self.kube.put("/api/v1/namespaces/default/configmaps/pai-version", version)
        self.api = rest_server.build(api, environment, hived, EXIT_CODES)
        self.found(PASSWORD)
        self.url = f"http://127.0.0.1:{self._serve(routes.site(self.api))}"
        self.kube.on_change = self._kubelet
        threading.Thread(target=Controller(api).run, daemon=True).start()
        threading.Thread(target=write_merger.watch, args=(api, merger_url), daemon=True).start()

    def found(self, password: str) -> None:
        """What rest-server does at its start, with the configuration's password."""
        rest_server.found(self.api, GROUPS, "admin", password)

    def close(self) -> None:
        """End it all."""
        self._api.closed = True
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self.kube.close()

    def call(self, method: str, path: str, body: Any = None, token: str | None = None, kind: str = "json") -> Any:
        """The status and content of REST's answer; `kind` is the body's: json, form or yaml."""
        content = {"json": lambda: json.dumps(body), "form": lambda: urllib.parse.urlencode(body), "yaml": lambda: body}
        kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded", "yaml": "text/yaml"}
        headers = {"Content-Type": kinds[kind]} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else content[kind]().encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text

    def login(self, password: str = PASSWORD, name: str = "admin") -> Any:
        """The status and content of a login's answer."""
        body = {"username": name, "password": password}
        return self.call("POST", "/api/v1/authn/basic/login", body, kind="form")

    def _serve(self, site: Site) -> int:
        server = Server(site, 0)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
        return server.server_port

    def _kubelet(self, kind: str, path: str) -> None:
        """Each change of a pod brings it one phase on."""
        pod = self.kube.objects.get(path)
        if not path.startswith(f"{PODS}/") or pod is None:
            return
        seen = pod.setdefault("status", {}).get("phase")
        following = self.phases[self.phases.index(seen) + 1 :] if seen in self.phases else self.phases
        if following:
            status: dict[str, Any] = {"phase": following[0], "hostIP": "127.0.0.1"}
            if following[0] == "Failed":
                ended = {"terminated": {"exitCode": 3, "reason": "Error"}}
                status["containerStatuses"] = [{"name": "app", "state": ended}]
            new = pod | {"status": status, "spec": pod["spec"] | {"nodeName": "worker-1"}}
            threading.Timer(0.05, self._put_if_there, (path, new)).start()

    def _put_if_there(self, path: str, pod: dict[str, Any]) -> None:
        if path in self.kube.objects:
            self.kube.put(path, pod)


@contextlib.contextmanager
def openpai(folder: Path, hived: dict[str, Any] | None = HIVED) -> Iterator[OpenPai]:
    """OpenPAI's services while the block runs."""
    services = OpenPai(folder, hived)
    try:
        yield services
    finally:
        services.close()


def job(name: str = "first", gpu: int = 1, **changes: Any) -> str:
    """A job's YAML."""
    role = {
        "instances": 1,
        "dockerImage": "image",
        "resourcePerInstance": {"cpu": 1, "memoryMB": 512, "gpu": gpu},
        "commands": ["nvidia-smi"],
    }
    whole = {
        "protocolVersion": 2,
        "name": name,
        "type": "job",
        "prerequisites": [{"name": "image", "type": "dockerimage", "uri": "nvidia/cuda"}],
        "taskRoles": {"taskrole": role},
    }
    return json.dumps(whole | changes)
