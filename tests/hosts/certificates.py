"""The control plane's certificates: how long they last, and whether its processes have read the ones on disk."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hosts.probes import Answer, Probe

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
# The days that each has left, for the report: the authorities' too.
ENDS = """\
openssl version >/dev/null && cd /etc/kubernetes || exit
days() {
    end=$(openssl x509 -noout -enddate 2>/dev/null) || return 0
    end=$(date -d "${end#*=}" +%s) && echo "$1 $(( (end - $(date +%s)) / 86400 ))"
}
for file in pki/*.crt pki/etcd/*.crt; do
    [ ! -e $file ] || days $file <$file
done
for file in *.conf; do
    grep -q client-certificate-data $file || continue
    sed -n 's/^ *client-certificate-data: //p' $file | base64 -d | days $file
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
    """Which certificates expire within `days`, which components are older than theirs, and the days of each."""
    yield Probe("expiring certificates", EXPIRING.format(seconds=days * 86400), seconds=30)
    yield Probe("processes behind", BEHIND, seconds=30)
    yield Probe("days of certificates", ENDS, seconds=30)


def days_left(answer: Answer) -> dict[str, int]:
    """The whole days that each certificate has left, by its file."""
    rows = (line.rsplit(" ", 1) for line in answer.out.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].lstrip("-").isdigit()}
