"""Images pulled while the rest of a node is installed.

pyinfra's docker.image waits for each pull.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.kubernetes.facts.node import KubernetesNode
from tasks.reach import Commands, detached, quoted

UNIT = "images"


@operation()
def pulled_meanwhile(node_name: str, master: bool, images: list[str]) -> Commands:
    """Begin to pull what a host will run once it is a node, and leave that at work; where kubeadm has been, do nothing.

    What cannot be pulled is left to the kubelet, which tries again and says why not.
    """
    node = host.get_fact(KubernetesNode, node=node_name, master=master)
    if node.untouched and UNIT not in node.running:
        yield detached.started(
            UNIT, StringCommand("for image in", quoted(images), '; do docker pull -q "$image"; done')
        )
