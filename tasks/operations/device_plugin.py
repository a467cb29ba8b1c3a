"""GPUs as the API server advertises them against those that the workers have.

pyinfra has no operations for Kubernetes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host, state
from pyinfra.api import StringCommand, operation

from cluster import Role
from tasks.facts.gpu import NvidiaBus
from tasks.facts.kubernetes_cluster import KUBECTL, Members
from tasks.operations.stop import planning, stop

# Of NVIDIA's own manifest, and of ours.
PODS = "-n kube-system -l name=nvidia-device-plugin-ds"
# Seconds for a restarted plugin to register its GPUs.
PATIENCE = 90


@operation()
def advertised() -> Generator[Any]:
    """On the master: have every worker of this run advertise the GPUs of its PCI bus.

    A device plugin that started before the driver was in order finds no GPU and looks no second time: it is restarted.
    """
    wanted = {
        other.data.address: len(other.get_fact(NvidiaBus))
        for other in state.inventory.get_active_hosts()
        if other.data.role == Role.WORKER.value and other not in state.failed_hosts
    }
    missing = _missing(wanted)
    for node in missing:
        yield StringCommand(
            f"{KUBECTL} delete pod {PODS} --field-selector spec.nodeName={node} --wait=false >/dev/null"
        )
    if not missing:
        return
    columns = (
        "jsonpath={range .items[*]}"
        '{.status.addresses[?(@.type=="InternalIP")].address}={.status.allocatable.nvidia\\.com/gpu} {end}'
    )
    awaited = " ".join(f"{address}={count}" for address, count in wanted.items() if count)
    yield StringCommand(
        f"i=0; while [ $i -lt {PATIENCE} ]; do have=$({KUBECTL} get nodes -o '{columns}'); all=yes; "
        f'for one in {awaited}; do case " $have " in *" $one "*) ;; *) all=no ;; esac; done; '
        "[ $all = no ] || exit 0; i=$((i+1)); sleep 1; done"
    )
    late = _missing(wanted)
    if late and not planning():
        yield stop(
            *(
                f"{node} advertises {have} of its {count} GPUs; see: kubectl logs {PODS} --prefix"
                for node, (have, count) in late.items()
            )
        )


def _missing(wanted: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Nodes by name that advertise fewer GPUs than `wanted` (by address) has for them: what they have, and should."""
    return {
        name: (member.gpus, wanted[member.address])
        for name, member in host.get_fact(Members).items()
        if member.gpus < wanted.get(member.address, 0)
    }
