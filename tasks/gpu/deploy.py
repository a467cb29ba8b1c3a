"""The guide's GPU driver and container runtime sections.

Nouveau out of the way, NVIDIA's driver in, one reboot where it takes one; then NVIDIA's toolkit, and `nvidia` as
Docker's default runtime.
"""

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from cluster import Config
from tasks import apt, docker
from tasks.gpu.changes_due import TOOLKIT, driver_due, toolkit_due
from tasks.gpu.facts.driver import BLACKLIST
from tasks.gpu.facts.toolkit import unsafe
from tasks.gpu.operations import container, driver, kernels
from tasks.reach import FILES, config_of, must_wait, put, render, waiting
from tasks.systemd import reboot_for

UNATTENDED = "/etc/apt/apt.conf.d/52openpai-nvidia"
PIN = "/etc/apt/preferences.d/openpai-nvidia"
PERSISTENCE = "openpai-nvidia-persistence.service"


@deploy("GPU driver")
def install_driver() -> None:
    """Bring a worker from nouveau to a verified NVIDIA driver; nothing where gpu_type names another vendor.

    On a node in service a driver that must be replaced waits for its turn in a rolling change.
    """
    config = config_of(host)
    if config.gpu_type != "nvidia":
        return
    waits = driver_due(config) if must_wait(host) else []
    if waits:
        waiting(name="The driver", due=waits)
        return
    driver.admissible(name="The driver that the config wants is possible", config=config)
    _nouveau()
    _driver(config)
    driver.loaded(name="The driver is loaded")
    driver.fabric_manager(name="The fabric manager, where there are NVSwitches")
    driver.verified(name="Every GPU on the bus answers", config=config)
    unit = f"/etc/systemd/system/{PERSISTENCE}"
    put(name="Unit for persistence mode", content=FILES / "gpu/persistence.service", dest=unit)
    driver.persistent(name="Persistence mode", unit=PERSISTENCE)


def _nouveau() -> None:
    put(name="nouveau is blacklisted", content=FILES / "gpu/nouveau.conf", dest=BLACKLIST)
    driver.knows_blacklist(name="The initramfs knows the blacklist")
    reboot_for(name="Reboot where nouveau is loaded", cause=driver.nouveau_loaded)


def _driver(config: Config) -> None:
    if config.nvidia_driver == "apt" and config.nvidia_driver_version:
        pin = render("gpu/apt-pin.j2", version=config.nvidia_driver_version)
        put(name="apt's choice of driver is pinned", content=pin, dest=PIN)
    else:
        files.file(name="apt's choice of driver is not pinned", path=PIN, present=False)
    if config.nvidia_driver != "preinstalled":
        driver.build_tools(name="Kernel headers and compiler", config=config)
        kernels.headers(name="Headers for later kernels, where DKMS builds the driver", config=config)
        driver.installed(name="NVIDIA driver", config=config)
        kernels.next_boot(name="The next boot's kernel has the driver", config=config)
    kernels.unattended(name="Unattended upgrades leave driver and kernel together", path=UNATTENDED)
    if config.nvidia_driver != "preinstalled":
        reboot_for(
            name="Reboot where another version of the driver is loaded",
            cause=driver.other_version_loaded,
        )
    if config.nvidia_driver == "apt":
        driver.held(name="The driver's packages are held")


KEY = "/etc/apt/keyrings/nvidia-container-toolkit.asc"
SOURCE = "/etc/apt/sources.list.d/nvidia-container-toolkit.sources"
# The guide's list files: their repositories are gone, and one such source fails every refresh of the operator's own.
DEAD_SOURCES = [
    "/etc/apt/sources.list.d/nvidia-container-runtime.list",
    "/etc/apt/sources.list.d/nvidia-docker.list",
    "/etc/apt/sources.list.d/libnvidia-container.list",
]
LINKS = "/etc/udev/rules.d/71-openpai-nvidia-dev-char.rules"
RUNTIME = {"path": "/usr/bin/nvidia-container-runtime", "runtimeArgs": []}


@deploy("GPU container runtime")
def install_runtime() -> None:
    """NVIDIA's container toolkit on a worker, and the config's default runtime; nothing for other vendors' devices.

    daemon.json alone names the runtime: the guide's systemd override, which names it again as a flag of dockerd, would
    throw away every other option of the unit.
    """
    config = config_of(host)
    if config.gpu_type != "nvidia":
        return
    waits = toolkit_due(config) if must_wait(host) else []
    if waits:
        waiting(name="The container toolkit", due=waits)
        return
    mirror = config.nvidia_toolkit_apt_mirror.rstrip("/")
    apt.aside(name="No package source of the toolkit's predecessors", paths=DEAD_SOURCES)
    apt.key(
        name="NVIDIA's signing key",
        url=config.nvidia_toolkit_apt_key_url or f"{mirror.removesuffix('/stable/deb')}/gpgkey",
        fingerprint=config.nvidia_toolkit_apt_key_fingerprint,
        path=KEY,
        remedy="check nvidia_toolkit_apt_mirror; one with a key of its own takes nvidia_toolkit_apt_key_fingerprint",
    )
    apt.source(
        name="NVIDIA's package source", path=SOURCE, uri=f"{mirror}/$(ARCH)", suite="/", components="", signed_by=KEY
    )
    apt.packages(
        name="NVIDIA's container toolkit, at its version and held",
        names=[*TOOLKIT, *([] if config.nvidia_toolkit_package in TOOLKIT else [config.nvidia_toolkit_package])],
        version=config.nvidia_toolkit_version,
        acceptable=lambda version: not unsafe(version),
    )
    driver.linked(name="Links to GPUs, where the toolkit needs them", rule=LINKS)
    docker.settings(
        name="The runtime in daemon.json",
        settings={"runtimes": {"nvidia": RUNTIME}, "default-runtime": config.worker_default_docker_runtime},
    )
    docker.settled(name="Docker runs with it")


@deploy("GPUs in a container")
def show_in_container() -> None:
    """The proof that driver and runtime work: a container of cuda_image sees every GPU of this worker."""
    config = config_of(host)
    if config.gpu_type == "nvidia":
        container.sees_gpus(name="A container sees every GPU", config=config)
