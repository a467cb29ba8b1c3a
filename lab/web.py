"""The lab's web server: python -m lab.web ADDRESS PORT FOLDER."""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class WebServer(ThreadingHTTPServer):
    """Python's own, with room for a lab's hosts that come at once: one turned away tries again after a second."""

    request_queue_size = 1024


def server(address: str, port: int, folder: Path) -> WebServer:
    """A server of the files in `folder`."""
    return WebServer((address, port), partial(SimpleHTTPRequestHandler, directory=str(folder)))


if __name__ == "__main__":
    server(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])).serve_forever()
