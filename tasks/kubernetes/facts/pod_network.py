"""What keeps a node's pod network says of its work."""

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import ASK, KUBELET_CONF
from tasks.reach import Fact, Holds, probes, program

CONFLIST = "/etc/cni/net.d/10-openpai.conflist"
SAID = "/run/openpai-deploy/pod-network"


def faults(node: str) -> list[str | int]:
    """The words of a command that says, a line each, what is wrong with the pod network of the node `node`."""
    return program("kubernetes/pod-network-faults.sh", f"{ASK} {KUBELET_CONF}", node, CONFLIST, SAID)


class PodNetworkFaults(Fact[list[str]]):
    """What is wrong with the pod network of the node `node`; empty when it has its present range and its routes."""

    holds = Holds.UNTIL_A_HOST_CHANGES

    @staticmethod
    def default() -> list[str]:
        return ["it has not been set up"]

    def command(self, node: str) -> StringCommand:
        return probes(faults=faults(node))

    def read(self, found: dict[str, str]) -> list[str]:
        return list(filter(None, found["faults"].splitlines()))
