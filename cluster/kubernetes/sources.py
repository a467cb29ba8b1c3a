"""Where Kubernetes' binaries and images come from, by the config's keys. Pure: no I/O."""

import re

from cluster.config import Config
from cluster.kubernetes.versions import minor_version

OFFICIAL_IMAGES = "registry.k8s.io"
# The pause image that kubeadm of each minor version names (its constants, PauseVersion).
PAUSE = {20: "3.2", 21: "3.4.1"}
# Likewise CoreDNS (CoreDNSVersion) and etcd, of both series the same (SupportedEtcdVersion).
COREDNS = {20: "1.7.0", 21: "v1.8.0"}
ETCD = "3.4.13-0"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# What Calico's manifest of the default sum runs; those of another manifest are not known here.
CALICO_MANIFEST = Config.model_fields["calico_manifest_sha256"].default
CALICO_IMAGES = tuple(f"calico/{name}:v3.20.3" for name in ("cni", "pod2daemon-flexvol", "node", "kube-controllers"))
# The .sha256 files of dl.k8s.io for the newest patches of both series.
OFFICIAL_SHA256 = {
    ("v1.21.14", "amd64"): {
        "kubeadm": "3b1da35298d062540f9ecad0f18cf4e44be0c7d37c5e430ed0cb56d6c0fe5ebc",
        "kubelet": "ca2e5e1f2a05b86e4f758181b172eb12bf99c3cc2a2b5b3e598f4c85d4d27fda",
        "kubectl": "0c1682493c2abd7bc5fe4ddcdb0b6e5d417aa7e067994ffeca964163a988c6ee",
    },
    ("v1.21.14", "arm64"): {
        "kubeadm": "7f175a51f6bd84a782a5f6325c5e7e523194a31c37d606b0f1ae2ee9a2ba3e7c",
        "kubelet": "da40431ecee2be8167d07669d06f4f7b046b582c6fc5b5e8033c5f8a14d89adc",
        "kubectl": "a23151bca5d918e9238546e7af416422b51cda597a22abaae5ca50369abfbbaa",
    },
    ("v1.20.15", "amd64"): {
        "kubeadm": "e6469323cfea76a8b7d1031d00e9c19af7a763df32da013786624f24507ea8a2",
        "kubelet": "137b40720623588ad2e8feee9f73160c86298b328eeba28e207778806ca03614",
        "kubectl": "d283552d3ef3b0fd47c08953414e1e73897a1b3f88c8a520bb2e7de4e37e96f3",
    },
    ("v1.20.15", "arm64"): {
        "kubeadm": "76e132da8185a7c33e6178348d05570a1f78878d5e118c7402c9ad02e8b6fb77",
        "kubelet": "8e3f08018fb66ee8b01d468779dc88608ce86f7a8bada85b5c5ddaae0280aeca",
        "kubectl": "d479febfb2e967bd86240b5c0b841e40e39e1ef610afd6f224281a23318c13dc",
    },
}


def filled(text: str, version: str, arch: str) -> str:
    """`text` with kubespray's placeholders filled in, as the guide's URLs have them.

    >>> filled("https://m/{{ kubeadm_version }}/{{image_arch}}/kubeadm", "v1.20.2", "amd64")
    'https://m/v1.20.2/amd64/kubeadm'
    """
    values = {"kubeadm_version": version, "kube_version": version, "image_arch": arch}
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: values.get(match[1], match[0]), text)


def binary_url(config: Config, name: str, arch: str) -> str:
    """The URL of kubeadm, kubelet or kubectl for `arch` (amd64, arm64): its own key, else the release mirror."""
    if own := getattr(config, f"{name}_download_url"):
        return filled(own, config.kubernetes_version, arch)
    return f"{config.kubernetes_mirror.rstrip('/')}/{config.kubernetes_version}/bin/linux/{arch}/{name}"


def binary_sha256(config: Config, name: str, arch: str) -> str | None:
    """The sum that the binary must have: the config's, else the official one; None where only the mirror knows it."""
    official = OFFICIAL_SHA256.get((config.kubernetes_version, arch), {})
    return config.kubernetes_sha256.get(name) or official.get(name)


def image_repository(config: Config) -> str:
    """The repository of Kubernetes' own images: kube_image_repo, else its place under gcr_image_repo, else official."""
    if config.kube_image_repo:
        return config.kube_image_repo.rstrip("/")
    if config.gcr_image_repo:
        return f"{config.gcr_image_repo.rstrip('/')}/google-containers"
    return OFFICIAL_IMAGES


def dns_repository(config: Config) -> str:
    """The repository that holds image `coredns`: officially one level deeper from 1.21 on."""
    repository = image_repository(config)
    nested = repository == OFFICIAL_IMAGES and (minor_version(config.kubernetes_version) or 0) >= 21
    return f"{repository}/coredns" if nested else repository


def etcd_repository(config: Config) -> str:
    """The repository that holds image `etcd`. The guide's key names the image itself, as quay.io/coreos/etcd."""
    return (
        config.etcd_image_repo.rstrip("/").removesuffix("/etcd") if config.etcd_image_repo else image_repository(config)
    )


def pause_image(config: Config, arch: str) -> str:
    """The image of every pod's sandbox. The guide's key names it without tag and may hold the architecture."""
    tag = PAUSE[_minor(config)]
    chosen = config.pod_infra_image_repo
    repository = filled(chosen, config.kubernetes_version, arch) if chosen else f"{image_repository(config)}/pause"
    return f"{repository}:{tag}"


def control_plane_images(config: Config) -> list[str]:
    """The images that only a master runs, by their full names."""
    kubernetes, version = image_repository(config), config.kubernetes_version
    return [
        *(f"{kubernetes}/{name}:{version}" for name in CONTROL_PLANE),
        f"{etcd_repository(config)}/etcd:{ETCD}",
        # kubeadm pulls it beforehand, whatever the kubelet takes for it.
        f"{kubernetes}/pause:{PAUSE[_minor(config)]}",
    ]


def node_images(config: Config, arch: str) -> list[str]:
    """The images that every node may run, by their full names."""
    repository, minor = image_repository(config), _minor(config)
    found = [
        f"{repository}/kube-proxy:{config.kubernetes_version}",
        pause_image(config, arch),
        f"{dns_repository(config)}/coredns:{COREDNS[minor]}",
    ]
    if config.openpai_kube_network_plugin == "calico" and config.calico_manifest_sha256 == CALICO_MANIFEST:
        found += [f"{(config.docker_image_repo or 'docker.io').rstrip('/')}/{image}" for image in CALICO_IMAGES]
    return found


def _minor(config: Config) -> int:
    """The series whose images kubeadm names for the config's version; the newest where it is none that is known."""
    minor = minor_version(config.kubernetes_version)
    return minor if minor in PAUSE else max(PAUSE)
