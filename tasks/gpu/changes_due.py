"""What is due on a worker that disturbs its pods: a driver to be replaced or loaded, another container toolkit."""

from pyinfra import host

from cluster import Config
from cluster.versions import matches
from tasks.apt import AptPackages, Package
from tasks.gpu.driver_policy import install_needed, wanted_version
from tasks.gpu.facts.driver import DriverState, NvidiaDriver
from tasks.gpu.facts.toolkit import unsafe
from tasks.gpu.kernel_policy import next_boot
from tasks.reach import config_of

# All of one version: the toolkit accepts no other library.
TOOLKIT = [
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
]


def due() -> list[str]:
    """What is due on this host, in words."""
    config = config_of(host)
    return [] if config.gpu_type != "nvidia" else [*driver_due(config), *toolkit_due(config)]


def driver_due(config: Config) -> list[str]:
    """What is due of the driver of this host."""
    return of_driver(host.get_fact(NvidiaDriver), config)


def toolkit_due(config: Config) -> list[str]:
    """What is due of the container toolkit of this host."""
    return of_toolkit(host.get_fact(AptPackages, names=TOOLKIT), config)


def later_kernel() -> str | None:
    """A cause to reboot: another kernel boots next, and will have the driver, now or by the deploy that follows."""
    return of_kernel(host.get_fact(NvidiaDriver), config_of(host))


def of_kernel(driver: DriverState, config: Config) -> str | None:
    """The cause, of a host in that state; a kernel without the driver is told by preflight, and not booted."""
    later = driver.kernels.next
    lacks = next_boot(driver, config) and config.nvidia_driver != "runfile"
    return (
        f"kernel {later} boots next, {driver.kernel} runs" if later not in ("", driver.kernel) and not lacks else None
    )


def of_driver(driver: DriverState, config: Config) -> list[str]:
    """What is due of a driver in that state."""
    found = []
    if driver.nouveau:
        found.append("nouveau is loaded")
    if install_needed(driver, config):
        wanted = wanted_version(config) or "the newest"
        broken_off = ", whose installation broke off," if driver.broken_off else ""
        found.append(f"driver {driver.version or 'none'}{broken_off} must become {wanted}")
    elif driver.awaits_reboot:
        found.append(f"driver {driver.installed} is installed but {driver.loaded} is loaded")
    return found


def of_toolkit(packages: dict[str, Package], config: Config) -> list[str]:
    """What is due of the toolkit's packages in that state."""
    wanted, found = config.nvidia_toolkit_version, []
    for name in TOOLKIT:
        installed = packages.get(name, Package()).installed
        fits = installed and (matches(installed, wanted) if wanted else not unsafe(installed))
        if not fits:
            found.append(f"{name} {installed or 'none'} must become {wanted or 'a safe one'}")
    return found[:1]
