"""A Kubernetes API server in this process: objects in memory, lists, watches and merge patches, and nothing else."""

from __future__ import annotations

import json
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLL = 0.01
"""Seconds after which a server that shall end has noticed it."""


class FakeKube:
    """Serves on `url`. `objects` are by path; `on_change` (if set) is called with the kind of change and the path."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[int, str, str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.on_change: Callable[[str, str], None] = lambda kind, path: None
        self.closed = False
        self._version = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Serve no more."""
        self.closed = True
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, thing: dict[str, Any], kind: str = "MODIFIED") -> dict[str, Any]:
        """Write an object and tell those who watch."""
        with self.changed:
            self._version += 1
            metadata = thing.setdefault("metadata", {})
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("creationTimestamp", "2026-01-02T03:04:05Z")
            metadata["resourceVersion"] = str(self._version)
            self.objects[path] = thing
            self.events.append((self._version, kind, path, thing))
            self.changed.notify_all()
        self.on_change(kind, path)
        return thing

    def remove(self, path: str) -> dict[str, Any] | None:
        """Delete an object, and those that it owns."""
        with self.changed:
            gone = self.objects.pop(path, None)
            if gone is None:
                return None
            self._version += 1
            self.events.append((self._version, "DELETED", path, gone))
            self.changed.notify_all()
        for other, thing in list(self.objects.items()):
            owners = thing["metadata"].get("ownerReferences", [])
            if any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                self.remove(other)
        self.on_change("DELETED", path)
        return gone

    def listed(self, path: str, selector: str = "") -> dict[str, Any]:
        """The collection at a path, of objects with these labels."""
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        with self.changed:
            items = [
                thing
                for at, thing in sorted(self.objects.items())
                if at.rpartition("/")[0] == path
                and all(thing["metadata"].get("labels", {}).get(key) == value for key, value in wanted.items())
            ]
            return {"kind": "List", "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def is_collection(self, path: str) -> bool:
        """Whether a path ends in the plural of a kind: after the version, or after a namespace's or object's name."""
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        return len(rest) % 2 == 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kube = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                asked = dict(urllib.parse.parse_qsl(query))
                if "watch" in asked:
                    self._watch(path, int(asked["resourceVersion"]))
                elif kube.is_collection(path):
                    self._send(200, kube.listed(path, asked.get("labelSelector", "")))
                else:
                    self._send_found(kube.objects.get(path))

            def do_POST(self) -> None:
                thing = self._body()
                path = f"{self.path.rstrip('/')}/{thing['metadata']['name']}"
                if path in kube.objects:
                    return self._send(409, {"reason": "AlreadyExists"})
                self._send(201, kube.put(path, thing, "ADDED"))

            def do_PUT(self) -> None:
                if self.path not in kube.objects:
                    return self._send_found(None)
                self._send(200, kube.put(self.path, self._body()))

            def do_PATCH(self) -> None:
                if self.path not in kube.objects:
                    return self._send_found(None)
                self._send(200, kube.put(self.path, merged(kube.objects[self.path], self._body())))

            def do_DELETE(self) -> None:
                self._send_found(kube.remove(self.path))

            def _body(self) -> dict[str, Any]:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

            def _send_found(self, thing: dict[str, Any] | None) -> None:
                self._send(404 if thing is None else 200, thing or {"reason": "NotFound"})

            def _send(self, status: int, thing: dict[str, Any]) -> None:
                body = json.dumps(thing).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _watch(self, path: str, since: int) -> None:
                self.send_response(200)
                self.end_headers()
                while not kube.closed:
                    with kube.changed:
                        kube.changed.wait(timeout=0.2)
                        new = [event for event in kube.events if event[0] > since]
                    for version, kind, at, thing in new:
                        since = version
                        if at.rpartition("/")[0] == path:
                            self.wfile.write(json.dumps({"type": kind, "object": thing}).encode() + b"\n")

            def log_message(self, format: str, *values: object) -> None:
                pass

        return Handler


def merged(thing: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A JSON merge patch applied (RFC 7396)."""
    new = dict(thing)
    for key, value in change.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merged(new.get(key, {}), value)
        else:
            new[key] = value
    return new
