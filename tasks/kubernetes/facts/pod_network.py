"""What keeps a node's pod network says of its work, and what Calico has pods' addresses from."""

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import ADMIN_CONF, ASK, KUBELET_CONF, asked
from tasks.reach import Fact, Holds, probes, program

CONFLIST = "/etc/cni/net.d/10-openpai.conflist"
SAID = "/run/openpai-deploy/pod-network"
# The pool that Calico makes when it starts for the first time; the manifest's variables count then and never again.
POOL = "default-ipv4-ippool"


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


class CalicoPool(Fact[bool | None]):
    """Whether Calico's pool of addresses is for VXLAN; None where there is no pool, or nobody to ask."""

    holds = Holds.UNTIL_A_HOST_CHANGES

    @staticmethod
    def default() -> bool | None:
        return None

    def command(self) -> StringCommand:
        mode = "jsonpath=vxlan {.spec.vxlanMode}"
        return probes(mode=asked(ADMIN_CONF, "get", "ippools.crd.projectcalico.org", POOL, "-o", mode))

    def read(self, found: dict[str, str]) -> bool | None:
        return found["mode"] in ("vxlan Always", "vxlan CrossSubnet") if found["mode"] else None
