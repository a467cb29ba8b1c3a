"""The control plane's certificates renewed before they expire, and in use by its processes.

kubeadm makes them for one year; pyinfra has no operations for kubeadm.
"""

from pyinfra import host
from pyinfra.api import StringCommand, operation

from tasks.kubernetes.facts.certificates import CertificateState
from tasks.kubernetes.operations.control_plane import answering
from tasks.kubernetes.operations.etcd import snapshot
from tasks.reach import DIRECT, Commands, config_of, detached

RENEW = "kubeadm-renew"


@operation()
def renewed(days: int) -> Commands:
    """Renew all certificates when one of them expires within `days`, and restart the processes that run with old ones.

    The restart is decided from what runs, so that a run killed in between leaves nothing undone.
    """
    state = host.get_fact(CertificateState, days=days)
    if state.expiring:
        yield snapshot("certificates")
        yield detached.command(RENEW, f"{DIRECT} kubeadm certs renew all")
        state = host.get_fact(CertificateState, days=days)
    for component in state.stale:
        # The kubelet starts it again at once; one that died of its neighbour's restart is starting already.
        yield StringCommand(
            f"docker ps -q --filter label=io.kubernetes.container.name={component} | xargs -r docker stop >/dev/null"
        )
    if state.stale:
        yield StringCommand("sleep 2")
        yield answering(config_of(host).kubernetes_timeout)
