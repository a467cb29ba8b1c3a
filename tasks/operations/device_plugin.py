"""GPUs as a worker's node advertises them against those that the worker has.

pyinfra has no operations for Kubernetes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from tasks.facts.gpu import NvidiaBus
from tasks.facts.kubernetes_node import ASK, KUBELET_CONF
from tasks.operations.stop import stop

# Seconds for a restarted plugin to register its GPUs.
PATIENCE = 90
# Ours, NVIDIA's own and OpenPAI's call their container so, or begin with it.
CONTAINER = "docker ps -q --filter name=^k8s_nvidia-device-plugin"


def _asked(node: str) -> str:
    """Shell text: the GPUs of `node` that pods may ask for, by the kubelet's own credentials."""
    column = "jsonpath={.status.allocatable.nvidia\\.com/gpu}"
    return f"{ASK} {KUBELET_CONF} get node {node} -o '{column}' 2>/dev/null"


class AllocatableGpus(FactBase[int]):
    """The GPUs that pods on `node` may ask for; none where the API server does not answer."""

    default = int

    def command(self, node: str) -> str:
        return f"{_asked(node)} || :"

    def process(self, output: list[str]) -> int:
        return int(output[0] or 0)


@operation()
def advertised(node: str) -> Generator[Any]:
    """Have this worker advertise every GPU of its PCI bus as `node`.

    A device plugin that started before the driver was in order found no GPU and looks no second time: it is restarted.
    """
    wanted = len(host.get_fact(NvidiaBus))
    if host.get_fact(AllocatableGpus, node=node) >= wanted:
        return
    yield StringCommand(f"{CONTAINER} | xargs -r docker stop >/dev/null")
    yield StringCommand(
        f'i=0; until [ "$({_asked(node)})" = {wanted} ] || [ $i -ge {PATIENCE} ]; do i=$((i+1)); sleep 1; done'
    )
    found = host.get_fact(AllocatableGpus, node=node)
    if found < wanted:
        yield stop(
            f"{node} advertises {found} of its {wanted} GPUs; "
            "see: kubectl -n kube-system logs -l name=nvidia-device-plugin-ds --prefix"
        )
