"""GPUs as a worker's node advertises them against those that the worker has.

pyinfra has no operations for Kubernetes.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.gpu import Vendor
from tasks.kubernetes.facts.node import KubernetesNode, allocatable_gpus
from tasks.reach import Commands, quoted, stop, until

# Seconds for a restarted plugin to register its GPUs.
PATIENCE = 90


@operation()
def advertised(node: str, vendor: Vendor) -> Commands:
    """Have this worker advertise every GPU of `vendor` on its PCI bus as `node`.

    A device plugin that started before the driver was in order found no GPU and looks no second time: it is restarted.
    """
    plugin = vendor.device_plugin
    wanted = len(host.get_fact(vendor.bus))
    if host.get_fact(KubernetesNode, node=node).allocatable(vendor.resource) >= wanted:
        return
    yield StringCommand(f"docker ps -q --filter name=^k8s_{plugin.container} | xargs -r docker stop >/dev/null")
    ask = quoted(allocatable_gpus(node, vendor.resource))
    yield until(StringCommand(ask, f"2>/dev/null | grep -qx {wanted}"), PATIENCE)
    found = host.get_fact(KubernetesNode, node=node).allocatable(vendor.resource)
    if found < wanted:
        yield stop(
            f"{node} advertises {found} of its {wanted} GPUs; "
            f"see: kubectl -n kube-system logs -l {plugin.pods} --prefix",
            cause="gpus-not-advertised",
        )
