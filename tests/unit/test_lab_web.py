"""The lab's web server."""

import socket
import threading
import urllib.request
from contextlib import ExitStack

from lab.web import server


def test_many_hosts_that_come_at_once_are_let_in_and_served(tmp_path):
    (tmp_path / "file").write_text("content")
    with server("127.0.0.1", 0, tmp_path) as web, ExitStack() as clients:
        port = web.server_address[1]
        for _ in range(200):  # none is accepted yet: the kernel keeps them, or drops what comes and lets it try again
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.5))
        threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/file", timeout=10).read() == b"content"
        clients.close()
        web.shutdown()
