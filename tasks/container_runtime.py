"""The guide's container runtime section: NVIDIA's toolkit, and `nvidia` as Docker's default runtime."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from tasks.context import config_of
from tasks.operations import apt_source, docker_daemon

KEY, SOURCE = (
    "/etc/apt/keyrings/nvidia-container-toolkit.asc",
    "/etc/apt/sources.list.d/nvidia-container-toolkit.sources",
)
# The guide's list files: their repositories are gone, and one such source fails every refresh of the index.
DEAD_SOURCES = (
    "/etc/apt/sources.list.d/nvidia-container-runtime.list",
    "/etc/apt/sources.list.d/nvidia-docker.list",
    "/etc/apt/sources.list.d/libnvidia-container.list",
)
# All of one version: the toolkit accepts no other library.
TOOLKIT = [
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
]
RUNTIME = {"path": "/usr/bin/nvidia-container-runtime", "runtimeArgs": []}


@deploy("GPU container runtime")
def install() -> None:
    """NVIDIA's container toolkit on a worker, and the config's default runtime; nothing for other vendors' devices.

    daemon.json alone names the runtime: the guide's systemd override, which names it again as a flag of dockerd, would
    throw away every other option of the unit.
    """
    config = config_of(host)
    if config.gpu_type != "nvidia":
        return
    mirror = config.nvidia_toolkit_apt_mirror.rstrip("/")
    for path in host.loop(DEAD_SOURCES):
        files.file(name="No package source of the toolkit's predecessors", path=path, present=False)
    apt_source.key(
        name="NVIDIA's signing key",
        url=config.nvidia_toolkit_apt_key_url or f"{mirror.removesuffix('/stable/deb')}/gpgkey",
        fingerprint=config.nvidia_toolkit_apt_key_fingerprint,
        path=KEY,
    )
    apt_source.source(
        name="NVIDIA's package source", path=SOURCE, uri=f"{mirror}/$(ARCH)", suite="/", components="", signed_by=KEY
    )
    apt_source.packages(
        name="NVIDIA's container toolkit, at its version and held",
        names=[*TOOLKIT, *([] if config.nvidia_toolkit_package in TOOLKIT else [config.nvidia_toolkit_package])],
        version=config.nvidia_toolkit_version,
    )
    docker_daemon.settings(
        name="The runtime in daemon.json",
        settings={"runtimes": {"nvidia": RUNTIME}, "default-runtime": config.worker_default_docker_runtime},
    )
    docker_daemon.settled(name="Docker runs with it")
