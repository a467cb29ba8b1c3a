"""pylon's stand-in: the one address of a cluster, in front of rest-server, log-manager and the portal."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message

from . import fault
from .web import Answer, Request, Server, Site

PORT = 80
TIMEOUT = 3600
DROPPED = {"connection", "content-length", "host", "transfer-encoding", "accept-encoding", "date", "server"}
"""Headers that belong to one leg of the way."""


class Pylon:
    """Forwards by path, as upstream's nginx does."""

    def __init__(self, environment: Mapping[str, str]):
        self._rest = environment["REST_SERVER_URI"]
        self._portal = environment["PAI_WEB_PORTAL_URI"]
        self._others = {
            "kubernetes/api": f"{environment['K8S_API_SERVER_URI']}/api",
            "prometheus": f"{environment['PROMETHEUS_URI']}/prometheus",
            "alert-manager": f"{environment['ALERT_MANGER_URI']}/alert-manager",
            "kubernetes-dashboard": environment["K8S_DASHBOARD_URI"],
            "grafana": environment["GRAFANA_URI"],
        }

    def answer(self, request: Request) -> Answer:
        """What stands behind the path says."""
        if match := re.fullmatch(r"/rest-server/api(.*)", request.target):
            return forward(request, f"{self._rest}/api{match[1]}")
        if match := re.fullmatch(r"/log-manager/([^/]+):(\d+)/(.*)", request.target):
            return forward(request, f"http://{match[1]}:{match[2]}/{match[3]}")
        for prefix, target in self._others.items():
            if match := re.fullmatch(f"/{prefix}(|[/?].*)", request.target):
                return forward(request, f"{target}{match[1]}")
        page = forward(request, f"{self._portal}{request.target}")
        # The portal knows services by their own addresses; a browser reaches them here alone.
        page.content = page.content.replace(self._rest.encode(), b"/rest-server")
        return page


def forward(request: Request, url: str) -> Answer:
    """The answer of another server; 502 when there is none, as nginx says it."""
    headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
    sent = urllib.request.Request(url, request.body or None, headers, method=request.method)
    try:
        with urllib.request.build_opener(_Redirects).open(sent, timeout=TIMEOUT) as response:
            return _copy(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return _copy(error.code, error.headers, error.read())
    except OSError as error:
        print(f"{url.partition('?')[0]}: {error}", flush=True)
        return Answer(b"<html><head><title>502 Bad Gateway</title></head></html>", 502, "text/html")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects are the browser's to follow."""

    def redirect_request(self, *_: object) -> None:
        return None


def _copy(status: int, headers: Message, body: bytes) -> Answer:
    kept = {name: value for name, value in headers.items() if name.lower() not in DROPPED}
    return Answer(body, status, kept.pop("Content-Type", None), kept)


def main() -> None:
    """Serve on the port that the pod opens to its node."""
    fault.begin()
    site = Site(Pylon(os.environ).answer)
    site.add("GET", "/healthz", lambda _: Answer("Pylon ready."))
    Server(site, PORT).serve_forever()


if __name__ == "__main__":
    main()
