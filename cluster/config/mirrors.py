"""Keys: sources of a country where the vendors' own are slow or not reached."""

from typing import Any, Literal

from cluster.config.base import Group, key

# Who documents each place. Docker's packages: Aliyun (developer.aliyun.com/mirror/docker-ce). NVIDIA's toolkit: the
# help of USTC's mirrors (mirrors.ustc.edu.cn/help/libnvidia-container.html). Programs, and images: the READMEs of
# DaoCloud/public-binary-files-mirror and DaoCloud/public-image-mirror; kubespray's docs/mirror.md has both.
CHINA: dict[str, Any] = {
    "docker_apt_mirror": "aliyun",
    "nvidia_toolkit_apt_mirror": "https://mirrors.ustc.edu.cn/libnvidia-container/stable/deb",
    "kubernetes_mirror": "https://files.m.daocloud.io/dl.k8s.io/release",
    "kube_image_repo": "k8s.m.daocloud.io",
    "gcr_image_repo": "gcr.m.daocloud.io",
    "quay_image_repo": "quay.m.daocloud.io",
    "docker_image_repo": "docker.m.daocloud.io",
    "openpai_docker_registry_mirrors": ["https://docker.m.daocloud.io"],
    "nvidia_device_plugin_image": "m.daocloud.io/{}",
}
PLACES: dict[str, dict[str, Any]] = {"official": {}, "china": CHINA}


class Mirrors(Group):
    """Mirrors

    One key for all sources; a source with a key of its own that the config gives follows that one. Packages keep their
    vendors' signatures and fingerprints, programs their sums; images are what the mirror says they are.
    """

    mirrors: Literal["official", "china"] = key(
        "official",
        "Where packages, programs and images come from: official, their vendors; china, mirrors known to serve them in "
        "China. Preflight says which of them answer from where each host stands.",
        changes="the defaults of " + ", ".join(f"`{name}`" for name in CHINA),
    )


def defaults(place: str, vendors: dict[str, Any]) -> dict[str, Any]:
    """The values that take the place of `vendors`' (by attribute name) where `mirrors` names `place`."""
    found = PLACES[place]
    return {
        name: value.format(vendors[name]) if isinstance(value, str) else list(value) for name, value in found.items()
    }
