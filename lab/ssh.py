"""SSH to a lab's host with its password, for a person at the keyboard."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import folder
from lab.settings import USER
from lab.state import LabHost, LabState

OPTIONS = {
    # The hosts are this machine's own, a veth away, and new with every lab: nothing to pin.
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "PubkeyAuthentication": "no",
    "NumberOfPasswordPrompts": "1",
}


def connect(lab: LabState, host: LabHost, command: Sequence[str] = ()) -> int:
    """Open a shell on the host, or run `command` there; returns ssh's exit status."""
    with tempfile.TemporaryDirectory() as private:
        secret, helper = Path(private, "password"), Path(private, "askpass")
        secret.touch(mode=0o600)
        secret.write_text(folder.password(lab) + "\n")
        helper.write_text(f"#!/bin/sh\nexec cat {shlex.quote(str(secret))}\n")
        helper.chmod(0o700)
        environment = {**os.environ, "SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
        options = [f"-o{key}={value}" for key, value in OPTIONS.items()]
        argv = ["ssh", *options, f"{USER}@{host.address}", *command]
        return subprocess.run(argv, env=environment, check=False).returncode
