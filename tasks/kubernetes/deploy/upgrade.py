"""Another version of Kubernetes: the master's control plane first, then node by node."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks import docker
from tasks.kubernetes import upgrade_policy
from tasks.kubernetes.deploy import node, rolling
from tasks.kubernetes.deploy.day2 import ours
from tasks.kubernetes.facts.versions import InstalledVersions
from tasks.kubernetes.operations import nodes
from tasks.kubernetes.operations import upgrade as operations
from tasks.reach import cluster_host, config_of, role_of


@deploy("Kubernetes, upgrade")
def upgrade() -> None:
    """Bring Kubernetes to kubernetes_version: a patch release, or the next minor one.

    The master goes first and is the canary; the workers follow in batches. With --data removed_apis=ignore also where
    APIs are in use that the new version no longer has.
    """
    if not ours():
        return
    if role_of(host) is not Role.DEV_BOX:
        version = config_of(host).kubernetes_version
        docker.suits_kubelet(name="A Docker that its kubelet can drive", version=version)
    if role_of(host) is Role.MASTER:
        operations.possible(
            name="The version can be reached",
            version=version,
            go_on=host.data.get("removed_apis") == "ignore",
        )
    rolling.roll(due, converge, masters_first=True)


def due() -> list[str]:
    """What is due on this host, in words."""
    return upgrade_policy.due(host.get_fact(InstalledVersions), config_of(host).kubernetes_version)


def converge() -> None:
    """This host at the config's version of Kubernetes."""
    config, name = config_of(host), cluster_host(host).name
    version, ignore = config.kubernetes_version, config.kubeadm_ignore_preflight_errors
    node.program("kubeadm", config)
    if role_of(host) is Role.MASTER:
        operations.control_plane(
            name="The control plane at its version", node_name=name, version=version, ignore=ignore
        )
    else:
        operations.node(name="The node's configuration of this version", node_name=name, version=version, ignore=ignore)
    node.run_kubelet()
    nodes.reported(name="The node reports its version", node=name, version=version, timeout=config.kubernetes_timeout)
