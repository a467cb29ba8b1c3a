"""The kubelet running with its present unit, flags and binary.

pyinfra's systemd.service reloads systemd when told to, and restarts on the word of the present run.
"""

from pyinfra import host
from pyinfra.api import operation

from tasks import systemd
from tasks.kubernetes.facts.node import ClusterVersion, Configured
from tasks.reach import Commands, stop

UNIT, DEFAULTS, BINARY = "/etc/systemd/system/kubelet.service", "/etc/default/kubelet", "/usr/local/bin/kubelet"


@operation()
def in_force() -> Commands:
    """Enable the kubelet; on a node, restart it where its unit, flags or binary changed after it started."""
    configured = host.get_fact(Configured)
    yield from systemd.fresh._inner("kubelet.service", [UNIT, DEFAULTS, BINARY], start=configured)


@operation()
def version_kept(version: str) -> Commands:
    """Stop a node of a cluster of another version than `version`, before any of its programs is replaced.

    A kubelet may not be newer than its API server, and a deploy does not upgrade.
    """
    found = host.get_fact(ClusterVersion)
    if found and found != version:
        yield stop(
            f"the cluster runs {found}, the config asks for {version}; set kubernetes_version to {found}, "
            "or upgrade first: docs/kubernetes.md, Upgrade"
        )
