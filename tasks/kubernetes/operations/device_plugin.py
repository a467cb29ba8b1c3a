"""GPUs as a worker's node advertises them against those that the worker has.

pyinfra has no operations for Kubernetes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.gpu import NvidiaBus
from tasks.kubernetes.facts.node import AllocatableGpus, allocatable_gpus
from tasks.reach import stop, until

# Seconds for a restarted plugin to register its GPUs.
PATIENCE = 90
# Ours, NVIDIA's own and OpenPAI's call their container so, or begin with it.
CONTAINER = "docker ps -q --filter name=^k8s_nvidia-device-plugin"


@operation()
def advertised(node: str) -> Generator[Any]:
    """Have this worker advertise every GPU of its PCI bus as `node`.

    A device plugin that started before the driver was in order found no GPU and looks no second time: it is restarted.
    """
    wanted = len(host.get_fact(NvidiaBus))
    if host.get_fact(AllocatableGpus, node=node) >= wanted:
        return
    yield StringCommand(f"{CONTAINER} | xargs -r docker stop >/dev/null")
    yield until(f"{allocatable_gpus(node)} | grep -qx {wanted}", PATIENCE)
    found = host.get_fact(AllocatableGpus, node=node)
    if found < wanted:
        yield stop(
            f"{node} advertises {found} of its {wanted} GPUs; "
            "see: kubectl -n kube-system logs -l name=nvidia-device-plugin-ds --prefix"
        )
