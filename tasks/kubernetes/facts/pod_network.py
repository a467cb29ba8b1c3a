"""What keeps a node's pod network says of its work."""

from __future__ import annotations

from pyinfra.api import FactBase

from tasks.kubernetes.facts.node import ASK, KUBELET_CONF

CONFLIST = "/etc/cni/net.d/10-openpai.conflist"
SAID = "/run/openpai-deploy/pod-network"


class PodNetworkFaults(FactBase[list[str]]):
    """What is wrong with the pod network of the node `node`; empty when it has its present range and its routes."""

    @staticmethod
    def default() -> list[str]:
        return ["it has not been set up"]

    def command(self, node: str) -> str:
        return (
            f"r=$({ASK} {KUBELET_CONF} get node {node} -o jsonpath={{.spec.podCIDR}} 2>/dev/null); "
            f'grep -qs "\\"$r\\"" {CONFLIST} || echo "{CONFLIST} lacks this node\'s range of addresses, $r"; '
            f"cat {SAID} 2>/dev/null; echo end"
        )

    def process(self, output: list[str]) -> list[str]:
        return [line for line in output if line and line != "end"]
