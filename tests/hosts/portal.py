"""OpenPAI's way in as a user has it: HTTP to pylon on the master, through the SSH connection to the dev box."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.hosts.connections import CONNECT_TIMEOUT, Connections
from tests.hosts.targets import Target

ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
PAUSE = 1  # seconds between two looks at a job


class Portal:
    """HTTP to port 80 of the master, as the dev box reaches it."""

    def __init__(self, connections: Connections, dev_box: Target, folder: Path):
        self._address = dev_box.cluster.masters[0].address
        self._socket: Path | None = None
        if not dev_box.host.is_local:
            self._socket = folder / "pylon"
            command = connections.forward(dev_box, self._socket, self._address, 80)
            subprocess.run(command, stdin=subprocess.DEVNULL, timeout=3 * CONNECT_TIMEOUT, check=True)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        """The status and the text of the answer; OSError where there is none."""
        connection = http.client.HTTPConnection(self._address, 80, timeout=30)
        if self._socket:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(30)
            connection.sock.connect(str(self._socket))
        try:
            connection.request(method, path, body or None, {name.replace("_", "-"): v for name, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from None
        finally:
            connection.close()

    def login(self, user: str, password: str) -> tuple[int, dict[str, Any]]:
        """The status and the answer to a login."""
        form = urlencode({"username": user, "password": password})
        kind = "application/x-www-form-urlencoded"
        status, text = self.ask("POST", "/rest-server/api/v1/authn/basic/login", form, Content_Type=kind)
        return status, json.loads(text)


class Job:
    """A job of `admin`, made for the verification alone."""

    def __init__(self, portal: Portal, token: str, name: str):
        self._portal, self._authorization, self.name = portal, f"Bearer {token}", name
        self._place = f"/rest-server/api/v2/jobs/admin~{name}"

    def submit(self, image: str, extras: dict[str, Any], virtual_cluster: str) -> tuple[int, str]:
        """Ask for nvidia-smi on one GPU; the status and the text of the answer."""
        role = {
            "instances": 1,
            "dockerImage": "image",
            "resourcePerInstance": {"cpu": 1, "memoryMB": 512, "gpu": 1},
            "commands": ["nvidia-smi -L"],
        }
        job = {
            "protocolVersion": 2, "name": self.name, "type": "job", "taskRoles": {"trial": role},
            "prerequisites": [{"name": "image", "type": "dockerimage", "uri": image}],
            "defaults": {"virtualCluster": virtual_cluster}, **({"extras": extras} if extras else {}),
        }  # fmt: skip
        headers = {"Authorization": self._authorization, "Content_Type": "text/yaml"}
        return self._portal.ask("POST", "/rest-server/api/v2/jobs", yaml.safe_dump(job), **headers)

    def wait(self, seconds: int) -> str:
        """The state that it ends in; one that does not end in time is stopped, and its last state given."""
        deadline = time.monotonic() + seconds
        while (state := self._get(self._place)["jobStatus"]["state"]) not in ENDED:
            if time.monotonic() > deadline:
                headers = {"Authorization": self._authorization, "Content_Type": "application/json"}
                self._portal.ask("PUT", f"{self._place}/executionType", '{"value": "STOP"}', **headers)
                break
            time.sleep(PAUSE)
        return state

    def log(self, seconds: int = 30) -> str | None:
        """What it printed; log-manager finds it some seconds after the end. Empty where there is none.

        None of an OpenPAI before v1.5.0, whose REST has no logs.
        """
        place = f"{self._place}/attempts/0/taskRoles/trial/taskIndex/0/attempts/0/logs"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self._get(place)
            if answer.get("code") == "NoApiError":
                return None
            locations = {one["name"]: one["uri"] for one in answer.get("locations", [])}
            if "all" in locations:
                return self._portal.ask("GET", locations["all"])[1]
            time.sleep(PAUSE)
        return ""

    def _get(self, path: str) -> dict[str, Any]:
        return json.loads(self._portal.ask("GET", path, Authorization=self._authorization)[1])
