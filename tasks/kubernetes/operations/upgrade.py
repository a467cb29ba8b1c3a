"""Kubernetes on a host brought to another version by kubeadm.

pyinfra has no operations for kubeadm.
"""

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from tasks.kubernetes import upgrade_policy
from tasks.kubernetes.facts.cluster import Members
from tasks.kubernetes.facts.node import ClusterVersion, KubernetesNode
from tasks.kubernetes.facts.versions import DeprecatedApis, InstalledVersions
from tasks.kubernetes.operations.control_plane import answering, passing
from tasks.kubernetes.operations.etcd import snapshot
from tasks.reach import DIRECT, Commands, config_of, detached, script, stop

UPGRADE = "kubeadm-upgrade"
SAVED = "/var/backups/openpai-deploy/pki"


@operation()
def possible(version: str, go_on: bool) -> Commands:
    """On the master: stop, before anything changes, where the cluster may not become `version`.

    APIs in use that `version` no longer has are a reason, unless the operator says to `go_on` without them.
    """
    kubelets = {name: member.version for name, member in host.get_fact(Members).items()}
    removed = upgrade_policy.removed_apis(host.get_fact(DeprecatedApis), version)
    found = host.get_fact(ClusterVersion)
    problem = upgrade_policy.refusal(found, version, kubelets, removed, go_on=go_on)
    if problem:
        yield stop(problem)


@operation()
def control_plane(node_name: str, version: str, ignore: list[str]) -> Commands:
    """Have the control plane of this master at `version`; etcd and the certificates are saved first.

    kubeadm replaces one static pod after the other, and puts the old one back where the new one does not come up. It
    runs in a unit of its own; one that an earlier run left is waited for.
    """
    if UPGRADE in host.get_fact(KubernetesNode, node=node_name).running:
        yield detached.wait(UPGRADE)
    if host.get_fact(InstalledVersions).control_plane == {version}:
        return
    yield snapshot("upgrade")
    yield script("kubernetes/save-pki.sh", SAVED, config_of(host).etcd_snapshots_kept)
    apply = StringCommand(f"{DIRECT} kubeadm upgrade apply --yes", *passing(ignore), QuoteString(version))
    yield detached.command(UPGRADE, apply)
    yield answering(config_of(host).kubernetes_timeout)


@operation()
def node(node_name: str, version: str, ignore: list[str]) -> Commands:
    """Have this worker's own configuration as kubeadm of `version` makes it, before its kubelet is of that version."""
    if UPGRADE in host.get_fact(KubernetesNode, node=node_name).running:
        yield detached.wait(UPGRADE)
    if host.get_fact(InstalledVersions).kubelet != version:
        yield detached.command(UPGRADE, StringCommand(f"{DIRECT} kubeadm upgrade node", *passing(ignore)))
