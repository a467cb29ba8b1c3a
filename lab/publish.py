"""What a lab's web server and registry offer from the start."""

from __future__ import annotations

from collections.abc import Callable

from lab import docker_packages, gpu, hosts, images, repository, services
from lab.files import share_tree
from lab.state import LabState


def standard(lab: LabState, say: Callable[[str], None]) -> None:
    """Offer Docker's packages for the systems of the lab's hosts, NVIDIA's repositories, and the images."""
    for suite, system in {(host.suite, hosts.system(host)) for host in lab.hosts}:
        vendor = services.web_root(lab) / "docker/linux" / system.id
        (vendor / "dists").mkdir(parents=True, exist_ok=True)
        (vendor / "gpg").write_text(repository.armored_key())
        built = docker_packages.ensure(suite, system, say)
        share_tree(built / "dists" / system.codename, vendor / "dists" / system.codename)
    gpu.publish(lab)
    images.push_standard(lab)
    gpu.push_image(lab)
