"""What takes OpenPAI's place in the lab: its source with paictl, its images, and faults to rehearse with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab import oci
from lab.files import share_tree
from lab.kubernetes import images as kubernetes_images
from lab.openpai import git, images
from lab.services import web_root  # not `from lab import services`: this package has a `services` of its own
from lab.settings import WEB_PORT
from lab.shell import LabError, run
from lab.state import LabState

__all__ = ["FAULTS", "config", "fault", "publish"]

TAG = git.TAGS[-1]
FAULTS = ("image-missing", *images.FAULTS)
"""What `fault` knows: an image that is not in the registry, a program that ends at once, one that never is ready."""
REPOSITORY = "microsoft/pai.git"
INTERNAL_STORAGE_GB = 1
"""Upstream's 10 or 30 GB would be the machine's disk."""


def config(lab: LabState) -> dict[str, object]:
    """Keys of a lab's config.yaml that have OpenPAI come from the lab."""
    return {
        "openpai": True,
        "openpai_services": "essential",
        "openpai_internal_storage_gb": INTERNAL_STORAGE_GB,
        "openpai_repository": f"http://{lab.gateway}:{WEB_PORT}/{REPOSITORY}",
        "openpai_commit": git.commit(TAG),
        "branch_name": git.BRANCH,
        "docker_image_tag": TAG,
        "docker_registry_domain": lab.registry,
        "docker_registry_namespace": images.NAMESPACE,
        "openpai_fuse_plugin_image": f"{lab.registry}/{kubernetes_images.HOST_DEVICE_PLUGIN}",
        "openpai_image_replacements": {
            name.rpartition("/")[0]: f"{lab.registry}/{name.rpartition('/')[0]}" for name in images.FIXED.values()
        },
    }


def publish(lab: LabState) -> None:
    """Serve the repository and push the images of both versions, unless they are there; after Kubernetes is built."""
    share_tree(git.ensure(), web_root(lab) / REPOSITORY)
    layout = images.ensure()
    names = dict.fromkeys(name for tag in git.TAGS for name in images.names(tag))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: oci.push(layout, name, lab.registry), names))


def fault(lab: LabState, service: str, what: str | None, tag: str = TAG) -> None:
    """Have the images of a service at fault, as pods find them when they are made next; None: sound again.

    LabError for a service that has no images, or a fault that there is not."""
    names = images.of_service(service, tag)
    if not names:
        raise LabError(f"{service} is no service with images of its own; such are {', '.join(images.SERVICES)}")
    if what not in (None, *FAULTS):
        raise LabError(f"there is no fault {what}; there are {', '.join(FAULTS)}")
    layout = images.ensure()
    for name in names:
        if what == "image-missing":
            target = f"docker://{lab.registry}/{name}"
            run("skopeo", "delete", "--tls-verify=false", target, check=False)
        else:
            oci.push(layout, f"{name}-{what}" if what else name, lab.registry, pushed_as=name)
