"""What a lab's web server and registry offer from the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab import apt, docker_packages, gpu, images, repository, services
from lab.files import share_tree
from lab.state import LabState


def standard(lab: LabState, say: Callable[[str], None]) -> None:
    """Offer Docker's packages for the suites of the lab's hosts, NVIDIA's repositories, and the images."""
    vendor = services.web_root(lab) / "docker/linux" / apt.distribution()
    (vendor / "dists").mkdir(parents=True, exist_ok=True)
    (vendor / "gpg").write_text(repository.armored_key())
    for suite, root in {host.suite: host.base for host in lab.hosts}.items():
        built = docker_packages.ensure(suite, _version_id(Path(root)), say)
        share_tree(built / "dists" / suite, vendor / "dists" / suite)
    gpu.publish(lab)
    images.push_standard(lab)
    gpu.push_image(lab)


def _version_id(root: Path) -> str:
    lines = (root / "etc/os-release").read_text().splitlines()
    return next(line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_ID="))
