"""The control plane's certificates against the calendar, and its processes against their certificates.

pyinfra has no facts for certificates in kubeconfigs, nor for static pods.
"""

from dataclasses import dataclass

from pyinfra.api import StringCommand

from tasks.reach import Fact, probe_script


@dataclass(frozen=True)
class Certificates:
    """Certificates that expire too soon, and components that run with older ones than those on disk."""

    expiring: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


class CertificateState(Fact[Certificates]):
    """Read the certificates that kubeadm renews; `days` is how long they must still be good for."""

    default = Certificates

    def command(self, days: int) -> StringCommand:
        return probe_script("kubernetes/certificates.sh", days * 86400)

    def read(self, found: dict[str, str]) -> Certificates:
        return Certificates(tuple(found["expiring"].split()), tuple(found["stale"].split()))
