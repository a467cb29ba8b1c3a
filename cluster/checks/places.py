"""Values of the guide and of what was copied around it that name places which are dead, get nothing new or never were.

Each is a warning: whoever has such a place answering in a network of their own may keep it, and preflight asks it.
"""

import re
from collections.abc import Iterator

from cluster.checks.keys import KUBESPRAY_ONLY
from cluster.config import Config
from cluster.files import ConfigFile
from cluster.problems import WARNING, Problem

# What the value begins with, after its scheme; what became of the place; what to do.
_DEAD = (
    (
        r"shaiictestblob01\.blob\.core\.chinacloudapi\.cn",
        "the storage of the guide's own example, which is gone (microsoft/pai issue 5537)",
        "remove the line: the programs come from kubernetes_mirror",
    ),
    (
        r"storage\.googleapis\.com/kubernetes-release",
        "the bucket that Kubernetes was downloaded from before dl.k8s.io",
        "remove the line: the programs come from kubernetes_mirror, by default https://dl.k8s.io/release",
    ),
    (
        r"(k8s\.)?gcr\.io(/google[-_]containers(/.*)?)?/?$",
        "frozen since 2023: Kubernetes' images are at registry.k8s.io",
        "remove the line, which means registry.k8s.io, or name a mirror of that",
    ),
    (
        r"azurechina$|mirror\.azure\.cn",
        "reported as unreachable since 2022 (docker/docker-install pull request 304)",
        "choose official or aliyun, or name the URL of another mirror",
    ),
    (
        r"([\w-]+\.)?azk8s\.cn",
        "for Azure China's own machines alone since 2020 (Azure/container-service-for-azure-china issue 59)",
        "remove it, or name another mirror",
    ),
    (
        r"([^/@]*@)?([\w-]+\.)*example\.(com|net|org)",
        "a name for examples in documents (RFC 2606)",
        "write your own",
    ),
    (
        r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+",
        "an address for examples in documents (RFC 5737)",
        "write your own",
    ),
    (r"registry\.docker-cn\.com", "a mirror that was shut down", "remove it, or name another mirror"),
    (r"(docker\.io/)?nvidia/cuda:10\.0-base$", "an image that NVIDIA deleted", "name one of today, or remove the line"),
)


def check_places(file: ConfigFile) -> Iterator[Problem]:
    """A warning for each key whose value names a dead place."""
    config = file.config
    if config is None:
        return
    for name in sorted(config.model_fields_set):
        if name in KUBESPRAY_ONLY and config.installer != "kubespray":
            continue
        for value in _texts(getattr(config, name)):
            for pattern, became, fix in _DEAD:
                if re.match(rf"(https?://)?({pattern})(?![\w.-])", value):
                    key = Config.model_fields[name].alias or name
                    yield file.problem(name, f"{key} names {value}: {became}", fix, WARNING, cause="dead-place")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
