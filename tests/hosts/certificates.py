"""The control plane's certificates: how long they last, and whether its processes have read the ones on disk."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hosts.probes import Probe

# Not the authorities', which last ten years and are not renewed with the others; nor the kubelet's, who renews his own.
EXPIRING = """\
openssl version >/dev/null && cd /etc/kubernetes || exit
for file in pki/*.crt pki/etcd/*.crt; do
    case $file in *ca.crt) continue ;; esac
    [ ! -e $file ] || openssl x509 -noout -checkend {seconds} -in $file >/dev/null || echo $file
done
for file in *.conf; do
    grep -q client-certificate-data $file || continue
    sed -n 's/^ *client-certificate-data: //p' $file | base64 -d |
        openssl x509 -noout -checkend {seconds} >/dev/null || echo $file
done
"""
# A container is known to have read what was there when it started.
BEHIND = """\
cd /etc/kubernetes || exit
behind() {
    container=$(docker ps -q --filter label=io.kubernetes.container.name=$1 | head -n 1)
    [ -n "$container" ] || return 0
    component=$1; shift
    newer=$(find "$@" -newermt "$(docker inspect -f '{{.State.StartedAt}}' $container)") || exit
    [ -z "$newer" ] || echo $component
}
behind etcd pki/etcd/server.crt pki/etcd/peer.crt
behind kube-apiserver pki/apiserver*.crt pki/front-proxy-client.crt
behind kube-controller-manager controller-manager.conf
behind kube-scheduler scheduler.conf
"""


def certificate_probes(days: int) -> Iterator[Probe]:
    """Which certificates expire within `days`, and which components started before theirs were written, by name."""
    yield Probe("expiring certificates", EXPIRING.format(seconds=days * 86400), seconds=30)
    yield Probe("processes behind", BEHIND, seconds=30)
