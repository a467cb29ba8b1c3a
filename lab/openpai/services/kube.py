"""The Kubernetes API as the services use it: JSON over HTTPS with the pod's service account."""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT = 30
WATCH_SECONDS = 300
"""How long one watch lasts before the list is read anew."""


class KubeError(Exception):
    """The API server refused or did not answer; `status` is its HTTP status, 0 without an answer."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Kube:
    """A client of one API server; `token` and `context` are None for one that asks for neither."""

    def __init__(self, url: str, token: str | None = None, context: ssl.SSLContext | None = None):
        self.url = url.rstrip("/")
        self._token = token
        self._context = context
        self.closed = False
        """Set it to have `follow` end with what it does."""

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """The object or list at `path`; None when there is none."""
        return self._found("GET", path, query=query)

    def create(self, path: str, thing: dict[str, Any]) -> dict[str, Any] | None:
        """Make an object in the collection `path`; None when one of its name is there already."""
        try:
            return self._call("POST", path, thing)
        except KubeError as error:
            if error.status == 409:
                return None
            raise

    def replace(self, path: str, thing: dict[str, Any]) -> dict[str, Any]:
        """Replace the object at `path`."""
        return self._call("PUT", path, thing)

    def merge(self, path: str, change: dict[str, Any]) -> dict[str, Any] | None:
        """Change parts of the object at `path` by a JSON merge patch; None when there is no object."""
        return self._found("PATCH", path, change)

    def delete(self, path: str, **query: str) -> None:
        """Delete the object at `path`, if there is one."""
        self._found("DELETE", path, query=query)

    def follow(self, path: str, seen: Callable[[str, dict[str, Any]], None]) -> None:
        """Call `seen` with ADDED, MODIFIED or DELETED and the object until `closed`: the list first, then each change.

        An API server that does not answer is asked again every two seconds."""
        while not self.closed:
            try:
                listed = self._call("GET", path)
                for item in listed["items"]:
                    seen("ADDED", item)
                since = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
                with self._open("GET", path, query=since | {"timeoutSeconds": str(WATCH_SECONDS)}) as stream:
                    for line in stream:
                        event = json.loads(line)
                        if event["type"] == "ERROR":  # the version is too old: list again
                            break
                        seen(event["type"], event["object"])
            except (KubeError, OSError, ValueError) as error:
                if self.closed:
                    return
                print(f"following {path}: {error}", flush=True)
                time.sleep(2)

    def _found(
        self, method: str, path: str, thing: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        try:
            return self._call(method, path, thing, query)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def _call(
        self, method: str, path: str, thing: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        with self._open(method, path, thing, query) as response:
            return json.load(response)

    def _open(
        self, method: str, path: str, thing: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> Any:
        url = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if thing is not None:
            headers["Content-Type"] = f"application/{'merge-patch+json' if method == 'PATCH' else 'json'}"
        body = None if thing is None else json.dumps(thing).encode()
        request = urllib.request.Request(url, body, headers, method=method)
        seconds = WATCH_SECONDS + TIMEOUT if query and "watch" in query else TIMEOUT
        try:
            return urllib.request.urlopen(request, timeout=seconds, context=self._context)
        except urllib.error.HTTPError as error:
            raise KubeError(error.code, error.read().decode(errors="replace")) from error
        except urllib.error.URLError as error:
            raise KubeError(0, f"{url}: {error.reason}") from error


def connect() -> Kube:
    """The API server of the pod's cluster; KUBE_API names another one that needs no credentials."""
    if url := os.environ.get("KUBE_API"):
        return Kube(url)
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    return Kube(f"https://{host}:{port}", (ACCOUNT / "token").read_text(), context)
