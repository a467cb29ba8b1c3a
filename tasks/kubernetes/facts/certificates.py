"""The control plane's certificates against the calendar, and its processes against their certificates.

pyinfra has no facts for certificates in kubeconfigs, nor for static pods.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase

from tasks.kubernetes.facts.node import KUBERNETES
from tasks.reach import SECTION, parse_sections

# What each component reads at its start.
READS = {
    "etcd": ("pki/etcd/server.crt", "pki/etcd/peer.crt"),
    "kube-apiserver": (
        "pki/apiserver.crt", "pki/apiserver-etcd-client.crt", "pki/apiserver-kubelet-client.crt",
        "pki/front-proxy-client.crt",
    ),
    "kube-controller-manager": ("controller-manager.conf",),
    "kube-scheduler": ("scheduler.conf",),
}  # fmt: skip
RENEWED_BY_KUBEADM = (
    *(file for files in READS.values() for file in files),
    "admin.conf",
    "pki/etcd/healthcheck-client.crt",
)

_FUNCTIONS = r"""
pem() {
  case $1 in *.conf) sed -n 's/^ *client-certificate-data: //p' "$1" | base64 -d ;; *) cat "$1" ;; esac
}
expiring() {
  seconds=$1; shift
  for f in "$@"; do
    [ ! -e "$f" ] || pem "$f" | openssl x509 -noout -checkend "$seconds" >&2 || echo "${f#/etc/kubernetes/}"
  done
}
stale() {
  component=$1; shift
  id=$(docker ps -q --filter "label=io.kubernetes.container.name=$component" 2>/dev/null)
  [ -n "$id" ] || return 0
  started=$(date +%s -d "$(docker inspect -f '{{.State.StartedAt}}' "$id")")
  for f in "$@"; do
    if [ -e "$f" ] && [ "$(stat -c %Y "$f")" -gt "$started" ]; then echo "$component"; return; fi
  done
}
"""


@dataclass(frozen=True)
class Certificates:
    """Certificates that expire too soon, and components that run with older ones than those on disk."""

    expiring: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


class CertificateState(FactBase[Certificates]):
    """Read the certificates that kubeadm renews; `days` is how long they must still be good for."""

    default = Certificates

    def command(self, days: int) -> str:
        files = " ".join(f"{KUBERNETES}/{file}" for file in RENEWED_BY_KUBEADM)
        reads = "\n".join(f"stale {name} {' '.join(f'{KUBERNETES}/{f}' for f in READS[name])}" for name in READS)
        return f"{SECTION}\n{_FUNCTIONS}\nsection expiring expiring {days * 86400} {files}\necho '@@ stale'\n{reads}"

    def process(self, output: list[str]) -> Certificates:
        found = parse_sections(output)
        return Certificates(tuple(found["expiring"].split()), tuple(found["stale"].split()))
