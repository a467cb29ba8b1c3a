"""What a version of Kubernetes means here: whether it can work, and which Docker it drives."""

import re

from cluster.versions import numbers

# OpenPAI 1.x's manifests need the beta APIs that 1.22 removes; kubelets before 1.20 do not know cgroup v2 hosts well.
SUPPORTED_MINORS = (20, 21)
# What the kubelet's Docker client (dockershim) speaks: DefaultVersion of the vendored docker/docker, by minor version.
DOCKER_API = {20: (1, 40), 21: (1, 41)}
BINARIES = ("kubeadm", "kubelet", "kubectl")


def minor_version(version: str) -> int | None:
    """The minor number of `v1.MINOR.PATCH`; None for anything else.

    >>> minor_version("v1.21.14"), minor_version("latest")
    (21, None)
    """
    match = re.fullmatch(r"v1\.(\d+)\.\d+", version)
    return int(match[1]) if match else None


def docker_api_fits(version: str, lowest: str, highest: str) -> bool:
    """Whether a Docker daemon that serves API `lowest` to `highest` can be driven by the kubelet of `version`.

    >>> docker_api_fits("v1.20.2", "1.12", "1.41"), docker_api_fits("v1.20.2", "1.44", "1.52")
    (True, False)
    """
    spoken = DOCKER_API[minor_version(version) or SUPPORTED_MINORS[-1]]
    return numbers(lowest) <= spoken <= numbers(highest)
