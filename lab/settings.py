"""Where the lab keeps its things, and what it is made of. Every module of the lab takes them from here."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.data import PROJECT as PROJECT

STATE = Path("/var/lib/openpai-lab")
"""One directory a lab; gone after `down`."""
CACHE = Path("/var/cache/openpai-lab")
"""Bases and packages, built once and used by every lab."""

PREFIX = os.environ.get("OPENPAI_LAB_PREFIX", "")
"""What the names of labs begin with where nobody gives a name: of the tests', the rehearsal's and the benches'."""

USER = "paiadmin"
DEFAULT_NAME = f"{PREFIX}lab"
DEFAULT_SUITE = "bookworm"
DEFAULT_WORKERS = 2
DEFAULT_GPU = "default"
MOST_WORKERS = 200
DEV_BOX = "dev-box"
MASTER = "openpai-master-01"

# The last bytes of the hosts' addresses; workers follow their number.
DEV_BOX_BYTE = 10
MASTER_BYTE = 11
WORKER_BYTE = 20

PROXY_PORT = 3128
WEB_PORT = 8080
REGISTRY_PORT = 5000
CUDA_IMAGE = "nvidia/cuda:12.4.1-base-ubuntu22.04"


def host_names(workers: int) -> list[str]:
    """The hosts of a lab of so many workers: dev box, master, workers."""
    return [DEV_BOX, MASTER, *(worker_name(number) for number in range(1, workers + 1))]


def worker_name(number: int) -> str:
    """The name of the worker counted from 1, after the guide's example."""
    return f"openpai-{number:03d}"
