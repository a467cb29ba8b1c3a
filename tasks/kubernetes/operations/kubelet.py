"""The kubelet running with its present unit, flags and binary.

pyinfra's systemd.service reloads systemd when told to, and restarts on the word of the present run.
"""

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from tasks import systemd
from tasks.kubernetes.facts.node import ClusterVersion, Configured, KubeletLeftovers
from tasks.reach import Commands, stop

UNIT, DEFAULTS, BINARY = "/etc/systemd/system/kubelet.service", "/etc/default/kubelet", "/usr/local/bin/kubelet"
DROP_INS = f"{UNIT}.d"
# The first place where the kubelet looks for logins at registries (its root directory, then $HOME/.docker); it reads no
# other then. It looks again every five minutes.
LOGINS = "/var/lib/kubelet/config.json"


@operation()
def in_force() -> Commands:
    """Enable the kubelet; on a node, restart it where its unit, drop-ins, flags or binary changed after it started."""
    configured = host.get_fact(Configured)
    yield from systemd.fresh._inner("kubelet.service", [UNIT, DEFAULTS, BINARY, DROP_INS], start=configured)


@operation()
def leftovers_aside() -> Commands:
    """Put aside what an earlier kubelet left that would speak in place of our unit, as FILE.openpai.disabled.

    A package's drop-in stays where it is, as its next version would bring it back: an empty one in /etc hides it. Both
    change the folder of drop-ins, which tells in_force() of it.
    """
    for path in host.get_fact(KubeletLeftovers, unit=UNIT, flags=DEFAULTS):
        if path.startswith("/etc/"):
            yield StringCommand("mv --backup=numbered --", QuoteString(path), QuoteString(f"{path}.openpai.disabled"))
        else:
            hiding = QuoteString(f"{DROP_INS}/{path.rpartition('/')[2]}")
            yield StringCommand(f"mkdir -p {DROP_INS} && ln -s /dev/null", hiding)


@operation()
def version_kept(version: str) -> Commands:
    """Stop a node of a cluster of another version than `version`, before any of its programs is replaced.

    A kubelet may not be newer than its API server, and a deploy does not upgrade.
    """
    found = host.get_fact(ClusterVersion)
    if found and found != version:
        yield stop(
            f"the cluster runs {found}, the config asks for {version}; set kubernetes_version to {found}, "
            "or upgrade first: pyinfra INVENTORY tasks.kubernetes.upgrade",
            cause="kubernetes-upgrade",
        )
