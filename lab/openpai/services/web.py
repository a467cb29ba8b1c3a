"""A small HTTP server with routes, as much of Express as the services' clients can tell."""

from __future__ import annotations

import json
import re
import sys
import traceback
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refusal(Exception):
    """An answer that is an error: HTTP status, OpenPAI's code (None: the answer has none) and a message."""

    def __init__(self, status: int, code: str | None, message: str):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        """The error as it is sent."""
        content = {"code": self.code, "message": self.message}
        return Answer({key: value for key, value in content.items() if value is not None}, self.status)


@dataclass
class Answer:
    """What goes back: bytes and text as they are, everything else as JSON."""

    content: Any
    status: int = 200
    kind: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> tuple[bytes, str]:
        """The bytes and their media type."""
        if isinstance(self.content, bytes):
            return self.content, self.kind or "application/octet-stream"
        if isinstance(self.content, str):
            return self.content.encode(), self.kind or "text/plain; charset=utf-8"
        return json.dumps(self.content, separators=(",", ":")).encode(), self.kind or "application/json; charset=utf-8"


@dataclass
class Request:
    """What came in. `target` is the path with its query; `parameters` are parts of the path, by the route's names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's values by name; the last of several counts."""
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def content(self) -> Any:
        """The body by its media type: an object of JSON or a form, else text; Refusal(400) for broken JSON."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return json.loads(self.body or b"{}")
            except ValueError as error:
                raise Refusal(400, None, str(error)) from error
        text = self.body.decode(errors="replace")
        if kind == "application/x-www-form-urlencoded":
            return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        return text


Handler = Callable[[Request], Answer]


class Site:
    """Handlers by method and path. In a path, `:name` takes one part and `*` at the end takes all that is left."""

    def __init__(self, missing: Handler):
        self._missing = missing
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Have `handler` answer `method` (or any, for "*") on `path`; the first route that fits counts."""
        pattern = re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path.rstrip("*/"))
        self._routes.append((method, re.compile(pattern + ("(?:/.*)?" if path.endswith("*") else "/?")), handler))

    def answer(self, request: Request) -> Answer:
        """What the handler of the request says; a Refusal is its error, any other exception a 500."""
        try:
            for method, pattern, handler in self._routes:
                match = pattern.fullmatch(request.path)
                if match and method in ("*", request.method):
                    parts = match.groupdict()
                    request.parameters = {name: urllib.parse.unquote(part) for name, part in parts.items()}
                    return handler(request)
            return self._missing(request)
        except Refusal as refusal:
            return refusal.answer()
        except Exception as error:
            traceback.print_exc()
            return Answer({"message": str(error)}, 500)


class Server(ThreadingHTTPServer):
    """A site on a port of every address (0: any free port, told by `server_port`)."""

    daemon_threads = True

    def __init__(self, site: Site, port: int):
        self.site = site
        super().__init__(("", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle_one_request(self) -> None:
        """One request of a connection, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "OPTIONS":  # a browser asks before it sends a token
            answer = Answer(b"", 204, headers={"Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE"})
            answer.headers["Access-Control-Allow-Headers"] = "Authorization,Content-Type"
        else:
            answer = self.server.site.answer(Request(self.command, self.path, dict(self.headers), body))
        content, kind = answer.body()
        self.send_response(answer.status)
        headers = {"Content-Type": kind, "Access-Control-Allow-Origin": "*"} | answer.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *values: object) -> None:
        """A line for each answer, as the services' own logs have; never a query, which may hold a token."""
        status = HTTPStatus(int(str(values[1]))).phrase if len(values) > 1 else ""
        print(f"{self.command} {self.path.partition('?')[0]} {values[1]} {status}", file=sys.stderr, flush=True)
