"""The lab's Kubernetes: a release mirror and images like the official ones, built once from Debian's source package."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import oci
from lab.files import share_tree
from lab.kubernetes import images
from lab.kubernetes.builder import Progress, build, result, running
from lab.kubernetes.compile import VERSION
from lab.settings import REGISTRY_PORT, WEB_PORT

__all__ = ["VERSION", "Progress", "build", "config", "publish", "ready", "result", "running"]

KUBELET_FLAGS = {
    "image-pull-progress-deadline": "10m",
    "eviction-hard": "memory.available<100Mi,nodefs.available<20Mi,imagefs.available<20Mi",
    "image-gc-high-threshold": 100,
}
"""OpenPAI's own flag, and figures in place of the kubelet's shares of a disk (15% and 85%): all hosts see the
machine's, which may be that full without being short of room for a lab."""


def ready() -> bool:
    """Whether the build of the present recipe is done."""
    return result().is_dir()


def config(gateway: str) -> dict[str, object]:
    """Keys of a lab's config.yaml that send the hosts to the lab's mirror and registry."""
    registry = f"{gateway}:{REGISTRY_PORT}"
    return {
        "installer": "kubeadm",
        "kubernetes_version": VERSION,
        "kubernetes_mirror": f"http://{gateway}:{WEB_PORT}/kubernetes/release",
        "kube_image_repo": f"{registry}/{images.REPOSITORY}",
        # Calico's images are in no registry that the lab can reach.
        "openpai_kube_network_plugin": "host-gw",
        "nvidia_device_plugin_image": f"{registry}/{images.DEVICE_PLUGIN}",
        # A container may not change how many connections its machine's kernel tracks.
        "kube_proxy_conntrack_max_per_core": 0,
        "kubelet_custom_flags": KUBELET_FLAGS,
    }


def publish(web_root: Path, registry: str) -> None:
    """Offer the built releases under a lab's web root and push the images into its registry, unless they are there.

    `registry` is host:port of one that speaks plain HTTP. Raises LabError when a push fails; call it after `build`."""
    share_tree(result() / "release", web_root / "kubernetes/release")
    layout = result() / "images"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: oci.push(layout, name, registry), oci.names(layout)))
