"""Host keys pinned on first contact, into the inventory's own known_hosts, and strict afterwards."""

import os
from typing import Any

from paramiko import MissingHostKeyPolicy, PKey
from pyinfra import logger
from pyinfra.connectors.sshuserclient import SSHClient


class PinOnFirstContact(MissingHostKeyPolicy):
    """Write an unknown host's key to the cluster's known_hosts and hold every later connection to it."""

    def missing_host_key(self, client: Any, hostname: str, key: PKey) -> None:
        """Called by paramiko for a host that known_hosts does not name."""
        line = f"{hostname} {key.get_name()} {key.get_base64()}\n".encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with open(os.open(client._host_keys_filename, flags, 0o600), "wb") as file:
            file.write(line)
        # The loaded keys are shared by every connection of the run: without this a reconnect would pin again.
        client._host_keys.add(hostname, key.get_name(), key)
        logger.info("    %s: host key pinned: %s %s", hostname, key.get_name(), key.fingerprint)


class PinningClient(SSHClient):
    """pyinfra's client (ssh_config, ProxyJump) with our host key policy, which connect() would replace."""

    def set_missing_host_key_policy(self, policy: Any) -> None:
        super().set_missing_host_key_policy(PinOnFirstContact())
