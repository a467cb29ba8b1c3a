"""Connections from this machine to a port of the master, through the SSH connection to the dev box.

The operator's machine often reaches nothing but the dev box, and tokens have no place on a host's command line.
"""

import http.client
import socket
from typing import Any

from paramiko import ChannelException, SSHException
from pyinfra.api import Host

# Seconds for a connection, and for each answer.
TIMEOUT = 30


class _Through(http.client.HTTPConnection):
    """HTTP down a channel that is open already."""

    def __init__(self, address: str, port: int, channel: Any):
        super().__init__(address, port, timeout=TIMEOUT)
        channel.settimeout(TIMEOUT)
        self.sock = channel


def connection(dev_box: Host, address: str, port: int) -> http.client.HTTPConnection:
    """An HTTP connection to ADDRESS:PORT as `dev_box` reaches it. OSError where there is none."""
    client = getattr(dev_box.connector, "client", None)
    if client is None:  # the dev box is this machine
        return _Through(address, port, socket.create_connection((address, port), TIMEOUT))
    try:
        channel = client.get_transport().open_channel(
            "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=TIMEOUT
        )
    except ChannelException as error:
        forbidden = "; sshd of the dev box forbids it: AllowTcpForwarding" if error.code == 1 else ""
        raise OSError(f"no connection from the dev box to {address}:{port}{forbidden}") from None
    except (SSHException, EOFError) as error:
        raise OSError(f"the connection to the dev box was lost: {error}") from None
    return _Through(address, port, channel)
