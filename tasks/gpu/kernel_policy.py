"""Kernels and the driver's module go together, or neither goes. Pure: facts and config in, decisions out.

A later kernel has the module where DKMS builds it and the kernel's headers come with the kernel. Canonical's prebuilt
modules are tied to one version of the driver, which is held, and a runfile without DKMS builds for the running kernel
alone: there new kernels stay away as well.
"""

import re
from collections.abc import Mapping, Sequence

from cluster import Config, Problem
from tasks.gpu.driver_policy import install_needed
from tasks.gpu.facts.driver import DriverState


def built_by_dkms(state: DriverState) -> bool:
    """True when DKMS has the source of the driver that is on the disk, or of the one that this kernel lacks."""
    return any(state.installed in (None, source.rpartition("/")[2]) for source in state.kernels.dkms)


def follow(state: DriverState) -> bool:
    """True when every kernel that comes gets the driver's module with it."""
    return built_by_dkms(state) and all(_headers(image) in state.kernels.headers for image, _ in state.kernels.images)


def kept_back(state: DriverState) -> bool:
    """True when unattended upgrades may bring no kernel: it would be without the module that this one has."""
    return state.installed is not None and not follow(state)


def held_with_driver(state: DriverState) -> list[str]:
    """The kernel metapackages that must be held where the driver's packages are: prebuilt modules follow no kernel."""
    prebuilt = any(package.name.startswith("linux-modules-nvidia-") for package in state.packages)
    return [image for image, _ in state.kernels.images] if prebuilt and kept_back(state) else []


def headers(state: DriverState, config: Config) -> dict[str, str]:
    """The packages of headers that DKMS lacks: those that come with each kernel, and those of the next boot's.

    With each the version of the kernel's metapackage; the headers are to be of that series.
    """
    comes = install_needed(state, config) and (config.nvidia_driver == "apt" or config.nvidia_driver_dkms)
    if config.nvidia_driver == "preinstalled" or not (comes or built_by_dkms(state)):
        return {}
    kernels = state.kernels
    wanted = {_headers(image): version for image, version in kernels.images}
    if kernels.next not in ("", state.kernel) and not state.next_module:
        wanted[f"linux-headers-{kernels.next}"] = ""
    return {name: version for name, version in wanted.items() if name not in kernels.headers}


def chosen(wanted: Mapping[str, str], offers: Mapping[str, Sequence[str]]) -> list[str]:
    """NAME=VERSION of the wanted headers that are on offer: of the kernel's series (6.1 of 6.1.176-1), or the newest.

    A Debian with backports offers those of both kernels under one name.
    """
    fit = {name: [one for one in offers.get(name, ()) if _series(one) == _series(wanted[name])] for name in wanted}
    return [f"{name}={(fit[name] or offers[name])[0]}" for name in wanted if offers.get(name)]


def to_build(state: DriverState) -> str | None:
    """The kernel of the next boot where DKMS can build the driver for it and has not."""
    there = f"linux-headers-{state.kernels.next}" in state.kernels.headers
    return state.kernels.next if there and _lacking(state) and built_by_dkms(state) else None


def next_boot(state: DriverState, config: Config) -> Problem | None:
    """What the next boot will lack, where its kernel is another than the running one; None where all is well."""
    if not _lacking(state):
        return None
    kernel, found = state.kernels.next, f"driver {state.next_module}" if state.next_module else "no NVIDIA module"
    if built_by_dkms(state):
        fix = f"apt-get install linux-headers-{kernel} && dkms autoinstall -k {kernel}"
    elif config.nvidia_driver == "runfile":
        fix = "reboot into it and run the deploy again, which installs the driver for it"
    else:
        fix = "install the driver's module for it"
    return Problem(
        f"kernel {kernel}, which boots next, has {found}; {state.kernel}, which runs, has {state.installed}",
        f"{fix}, or remove that kernel (apt-get purge linux-image-{kernel})",
        cause="next-kernel",
    )


def _lacking(state: DriverState) -> bool:
    """True when the next boot takes another kernel, without the module that is on the disk for this one."""
    return bool(state.kernels.next and state.installed and state.next_module != state.installed)


def _headers(image: str) -> str:
    return image.replace("linux-image-", "linux-headers-", 1)


def _series(version: str) -> str | None:
    found = re.match(r"(?:\d+:)?(\d+\.\d+)\b", version)
    return found[1] if found else None
