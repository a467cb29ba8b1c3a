"""The host-gw pod network of a node.

pyinfra has no operations for container networks.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.kubernetes.facts import pod_network
from tasks.kubernetes.facts.pod_network import PodNetworkFaults
from tasks.reach import Commands, quoted, stop, until

# Seconds for a node to learn its share of the pods' network: the script asks every two.
PATIENCE = 60


@operation()
def converged(node: str) -> Commands:
    """Wait until the node `node`, this host, has its bridge and routes to others' pods; fail with what is missing."""
    if not host.get_fact(PodNetworkFaults, node=node):
        return
    yield until(StringCommand("!", quoted(pod_network.faults(node)), "| grep -q ."), PATIENCE)
    faults = host.get_fact(PodNetworkFaults, node=node)
    if faults:
        yield stop(*(f"pod network: {fault}" for fault in faults))
