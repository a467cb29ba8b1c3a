"""Images pulled while the rest of a cluster is installed.

pyinfra's docker.image waits for each pull.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.kubernetes.facts.node import Kubeconfig, KubernetesNode
from tasks.reach import Commands, detached, quoted

UNIT = "images"


@operation()
def pulled_meanwhile(node_name: str, master: bool, images: list[str]) -> Commands:
    """Begin to pull what a host will run once it is a node, and leave that at work; where kubeadm has been, do nothing.

    What cannot be pulled is left to the kubelet, which tries again and says why not.
    """
    node = host.get_fact(KubernetesNode, node=node_name, master=master)
    if node.untouched and UNIT not in node.running:
        yield _pull(images)


@operation()
def pulled_before(kubeconfig: str, images: list[str]) -> Commands:
    """The same on a dev box without a `kubeconfig` yet: what it runs once the cluster is there."""
    if images and not host.get_fact(Kubeconfig, path=kubeconfig):
        at_work = f"systemctl is-active -q {detached.PREFIX}{UNIT}.service"  # by a run that was killed
        yield StringCommand(at_work, "|| {", _pull(images), "; }")


def _pull(images: list[str]) -> StringCommand:
    return detached.started(UNIT, StringCommand("for image in", quoted(images), '; do docker pull -q "$image"; done'))
