"""Keys: GPU workers."""

from typing import Literal

from cluster.config.base import Fingerprint, Group, Image, Positive, Sha256, Switch, Text, Url, Word, key


class Gpu(Group):
    """GPU workers

    The driver, the container runtime, and reboots.
    """

    nvidia_driver: Literal["preinstalled", "runfile", "apt"] = key(
        "preinstalled",
        "Where the driver comes from: preinstalled (only verified), runfile (NVIDIA's installer) or apt.",
        changes="driver (reboot where a loaded one has to go)",
    )
    nvidia_driver_version: Word | None = key(
        None,
        "Version that must be loaded, in quotes.",
        example='"535.183.01"',
        changes="driver; verification",
    )
    nvidia_driver_runfile: Text | None = key(
        None,
        "NVIDIA's installer: a path on this machine, or a URL.",
        example="/root/NVIDIA-Linux-x86_64-535.183.01.run",
        changes="driver",
    )
    nvidia_driver_runfile_sha256: Sha256 | None = key(
        None,
        "SHA-256 sum of the installer; required with a URL.",
        changes="driver",
    )
    nvidia_driver_branch: Word | None = key(
        None,
        "For apt: the driver branch, as 535 or 535-server, in quotes; empty on Debian.",
        example='"535-server"',
        changes="driver packages, held",
    )
    nvidia_driver_dkms: Switch = key(
        False,
        "Rebuild the runfile's kernel module for new kernels (DKMS).",
        changes="driver",
    )
    nvidia_toolkit_apt_mirror: Url = key(
        "https://nvidia.github.io/libnvidia-container/stable/deb",
        "Where nvidia-container-toolkit comes from.",
        changes="apt source of the container runtime",
    )
    nvidia_toolkit_apt_key_fingerprint: Fingerprint = key(
        "C95B321B61E88C1809C4F759DDCAE044F796ECB0",
        "Fingerprint that the source's signing key must have.",
        changes="apt source of the container runtime",
    )
    nvidia_toolkit_apt_key_url: Url | None = key(
        None,
        "Where the source's signing key is; /gpgkey beside the mirror's /stable/deb when unset.",
        example="https://nvidia.github.io/libnvidia-container/gpgkey",
    )
    nvidia_toolkit_package: Literal["nvidia-container-toolkit", "nvidia-container-runtime"] = key(
        "nvidia-container-toolkit",
        "Package that brings the container runtime; nvidia-container-runtime is the guide's name for it.",
    )
    nvidia_toolkit_version: Word | None = key(
        None,
        "Version of nvidia-container-toolkit, in quotes.",
        example='"1.17.8"',
        changes="packages, held",
    )
    cuda_image: Image = key(
        "nvidia/cuda:12.4.1-base-ubuntu22.04",
        "Image that the verification runs nvidia-smi in.",
        changes="verification",
    )
    reboot_batch: Positive = key(
        1,
        "Workers where something is at work that are rebooted at a time.",
        changes="reboots",
    )
    reboot_timeout: Positive = key(
        600,
        "Seconds to wait for a host to come back.",
        changes="reboots",
    )
