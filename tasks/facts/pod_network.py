"""What keeps a node's pod network says of its work."""

from __future__ import annotations

from pyinfra.api import FactBase

CONFLIST = "/etc/cni/net.d/10-openpai.conflist"
SAID = "/run/openpai-deploy/pod-network"


class PodNetworkFaults(FactBase[list[str]]):
    """What is wrong with the pod network of this node; empty when its bridge and routes are there."""

    @staticmethod
    def default() -> list[str]:
        return ["it has not been set up"]

    def command(self) -> str:
        return f"test -e {CONFLIST} || echo 'no {CONFLIST}'; cat {SAID} 2>/dev/null; echo end"

    def process(self, output: list[str]) -> list[str]:
        return [line for line in output if line and line != "end"]
