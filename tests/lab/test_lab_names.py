"""The name server of the lab's proxy, on a network that loses answers."""

from __future__ import annotations

import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import services
from lab.state import LabState
from lab.wait import wait_until

NAMES = [f"host-{number}.example.com" for number in range(20)]
ADDRESS = socket.inet_aton("192.0.2.1")


class Forgetful(socketserver.ThreadingUDPServer):
    """A name server that answers no question that it hears for the first time; `heard` are all of them."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(socketserver.BaseRequestHandler):
    """One question to a Forgetful."""

    server: Forgetful

    def handle(self) -> None:
        """Answer it by an address that counts for five seconds."""
        asked, back = self.request
        question = asked[12 : asked.index(b"\0", 12) + 5]
        self.server.heard.append(question)
        if self.server.heard.count(question) > 1:
            record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, len(ADDRESS)) + ADDRESS
            header = asked[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
            back.sendto(header + question + record, self.client_address)


@pytest.fixture
def upstream() -> Iterator[Forgetful]:
    with Forgetful() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def port(upstream: Forgetful, tmp_path: Path) -> Iterator[int]:
    """Where the lab's name server is, with its own settings, but on a free port and with `upstream` behind it."""
    lab = LabState("names", index=0, folder="")
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    text = services._names_settings(lab).replace(lab.gateway, "127.0.0.1")
    (tmp_path / "conf").write_text(f"{text}port={number}\nno-resolv\nserver=127.0.0.1#{upstream.server_address[1]}\n")
    with subprocess.Popen(["dnsmasq", "--keep-in-foreground", f"--conf-file={tmp_path / 'conf'}"]) as server:
        wait_until(lambda: services._takes_connections("127.0.0.1", number), 10)
        yield number
        server.terminate()


def seconds(port: int, name: str) -> float:
    """How long the name server takes for the address of `name`."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    start = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1", ("127.0.0.1", port))
        assert client.recv(512).endswith(ADDRESS)
    return time.monotonic() - start


def test_a_lost_answer_is_asked_for_again_at_once_and_what_was_answered_is_kept(upstream: Forgetful, port: int) -> None:
    with ThreadPoolExecutor(len(NAMES)) as pool:
        took = list(pool.map(lambda name: seconds(port, name), NAMES))
    assert min(took) > 0.05, "each was lost once"
    assert sorted(took)[len(took) // 2] < 0.9, "resolver(5) would ask again after a second at the soonest"
    heard = len(upstream.heard)
    for name in NAMES:
        seconds(port, name)
    assert len(upstream.heard) == heard
