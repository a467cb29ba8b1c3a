"""Which versions of Kubernetes a host has on its disk, and what of its API is in use that will go.

pyinfra has no facts for Kubernetes.
"""

import re

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import ADMIN_CONF, MANIFESTS, asked
from tasks.kubernetes.upgrade_policy import NodeVersions
from tasks.reach import Fact, Holds, probes, shell


class InstalledVersions(Fact[NodeVersions]):
    """The kubelet's binary, and the images in the static pods of a control plane."""

    default = NodeVersions

    def command(self) -> StringCommand:
        images = shell("sed -n 's/^ *image: .*://p' \"$1\"/kube-*.yaml", MANIFESTS)
        return probes(kubelet=["/usr/local/bin/kubelet", "--version"], images=images)

    def read(self, found: dict[str, str]) -> NodeVersions:
        match = re.search(r"\bv\d+\.\d+\.\d+\b", found["kubelet"])
        return NodeVersions(match[0] if match else "", frozenset(found["images"].split()))


class DeprecatedApis(Fact[str]):
    """The API server's own count of requests for APIs that a later release removes."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = str

    def command(self) -> StringCommand:
        get = asked(ADMIN_CONF, "get", "--raw", "/metrics")
        return probes(metrics=shell('"$@" | grep ^apiserver_requested_deprecated_apis', *get))

    def read(self, found: dict[str, str]) -> str:
        return found["metrics"]
