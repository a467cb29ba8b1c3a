"""The guide's GPU driver section: nouveau out of the way, NVIDIA's driver in, one reboot where it takes one."""

from __future__ import annotations

import io
from pathlib import Path

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from cluster import Config
from tasks.context import config_of
from tasks.facts.nvidia_driver import BLACKLIST
from tasks.operations import initramfs, nvidia_driver
from tasks.operations.reboot import reboot_for
from tasks.rendering import render

_FILES = Path(__file__).parents[1] / "files" / "gpu"
UNATTENDED = "/etc/apt/apt.conf.d/52openpai-nvidia"
PIN = "/etc/apt/preferences.d/openpai-nvidia"
PERSISTENCE = "openpai-nvidia-persistence.service"


@deploy("GPU driver")
def install() -> None:
    """Bring a worker from nouveau to a verified NVIDIA driver; nothing where gpu_type names another vendor."""
    config = config_of(host)
    if config.gpu_type != "nvidia":
        return
    nvidia_driver.admissible(name="The driver that the config wants is possible", config=config)
    _nouveau(config)
    _driver(config)
    nvidia_driver.loaded(name="The driver is loaded")
    nvidia_driver.verified(name="Every GPU on the bus answers", config=config)
    _put("persistence.service", f"/etc/systemd/system/{PERSISTENCE}", "Unit for persistence mode")
    nvidia_driver.persistent(name="Persistence mode", unit=PERSISTENCE)


def _nouveau(config: Config) -> None:
    _put("nouveau.conf", BLACKLIST, "nouveau is blacklisted")
    initramfs.knows_blacklist(name="The initramfs knows the blacklist")
    reboot_for(
        name="Reboot where nouveau is loaded",
        cause=nvidia_driver.nouveau_loaded,
        batch=config.reboot_batch,
        patience=config.reboot_timeout,
    )


def _driver(config: Config) -> None:
    _put("unattended-upgrades.conf", UNATTENDED, "Unattended upgrades leave the driver alone")
    if config.nvidia_driver == "apt" and config.nvidia_driver_version:
        pin = render("gpu/apt-pin.j2", version=config.nvidia_driver_version)
        files.put(name="apt's choice of driver is pinned", src=io.StringIO(pin), dest=PIN, mode="644")
    else:
        files.file(name="apt's choice of driver is not pinned", path=PIN, present=False)
    if config.nvidia_driver != "preinstalled":
        nvidia_driver.build_tools(name="Kernel headers and compiler", config=config)
        nvidia_driver.installed(name="NVIDIA driver", config=config)
        reboot_for(
            name="Reboot where another version of the driver is loaded",
            cause=nvidia_driver.other_version_loaded,
            batch=config.reboot_batch,
            patience=config.reboot_timeout,
        )
    if config.nvidia_driver == "apt":
        nvidia_driver.held(name="The driver's packages are held")


def _put(source: str, destination: str, title: str) -> None:
    files.put(name=title, src=str(_FILES / source), dest=destination, mode="644")
