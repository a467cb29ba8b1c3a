"""What must happen to a host's NVIDIA driver, and what forbids it. Pure: facts and config in, decisions out.

The deploy asks it before anything on a host changes; preflight asks it for every host at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from cluster import Config, Problem
from cluster.versions import matches
from tasks.gpu import runfile
from tasks.gpu.facts.driver import DriverState, version_in
from tasks.gpu.facts.gpus import SmiReport, faults
from tasks.systemd import ALLOW_REBOOT, ON_GPUS, in_words

# Causes that preflight has requirements of their own for.
SECURE_BOOT, HEADERS = "secure-boot", "kernel-headers"


def wanted_version(config: Config) -> str | None:
    """The driver version asked for, or its beginning: the config's, the runfile's own, or the branch of apt."""
    if config.nvidia_driver_version:
        return config.nvidia_driver_version
    if config.nvidia_driver == "runfile" and config.nvidia_driver_runfile:
        return version_in(PurePosixPath(config.nvidia_driver_runfile).name)
    if config.nvidia_driver == "apt" and config.nvidia_driver_branch:
        return config.nvidia_driver_branch.partition("-")[0]
    return None


def is_wanted(version: str | None, config: Config) -> bool:
    """True when `version` is what the config asks for; any version is where it asks for none."""
    wanted = wanted_version(config)
    return version is not None and (wanted is None or matches(version, wanted))


def install_needed(state: DriverState, config: Config) -> bool:
    """True when a driver must be installed, or an installation that broke off must be repeated."""
    if config.nvidia_driver == "preinstalled":
        return False
    return state.broken_off or not is_wanted(state.version, config)


def apt_package(config: Config) -> str:
    """The package that stands for the driver: Ubuntu's name has the branch, Debian's has none."""
    branch = config.nvidia_driver_branch
    return f"nvidia-driver-{branch}" if branch else "nvidia-driver"


def apt_packages(config: Config) -> list[str]:
    """What apt is asked for. Ubuntu's driver depends on nvidia-smi and CUDA's library, Debian's does not."""
    main = apt_package(config)
    return [main] if config.nvidia_driver_branch else [main, "nvidia-smi", "libcuda1"]


def fabric_packages(version: str) -> list[str]:
    """The names that the fabric manager of a driver of that version may have: by branch, and without from 580 on."""
    return [f"nvidia-fabricmanager-{version.partition('.')[0]}", "nvidia-fabricmanager"]


def fabric_package(version: str, offers: Mapping[str, Sequence[str]]) -> str | None:
    """NAME=VERSION of the fabric manager of exactly that driver, as apt is asked for it; None where none is offered."""
    fit = ((name, one) for name in fabric_packages(version) for one in offers.get(name, ()) if matches(one, version))
    return next((f"{name}={one}" for name, one in fit), None)


def no_fabric_manager(version: str, offers: Mapping[str, Sequence[str]]) -> Problem:
    """Why a machine with NVSwitches cannot do without the package that is not there."""
    offered = ", ".join(one for name in fabric_packages(version) for one in offers.get(name, ())) or "none"
    return Problem(
        f"the GPUs are joined by NVSwitches, but {fabric_packages(version)[0]} {version} is in none of the host's apt "
        f"sources (offered: {offered}), and CUDA works with no other version",
        "add NVIDIA's CUDA repository for this release, or choose a driver whose fabric manager is offered",
        cause="fabric-manager",
    )


def fitting(offered: Sequence[str], config: Config) -> list[str]:
    """Those of apt's versions that the config accepts, in apt's order."""
    return [version for version in offered if is_wanted(version, config)]


def refusals(
    state: DriverState,
    config: Config,
    *,
    disruption: bool = False,
    smi: SmiReport | None = None,
    offered: Sequence[str] | None = None,
) -> list[Problem]:
    """Every reason not to touch the host's driver, empty when the deploy may go on.

    `disruption` is the operator's word that what runs may be stopped; `smi` nvidia-smi's answer where a driver is
    loaded; `offered` the versions of apt_package() that the host's apt sources have. None leaves that check out.
    """
    if state.installing:
        return []
    if not state.bus:
        return faults(state.bus, SmiReport())
    if state.mismatch and not state.awaits_reboot:
        mismatch = f"driver/library version mismatch: {state.loaded} is loaded but {state.installed} is installed"
        return [
            Problem(
                f"{mismatch}, by an upgrade outside this deploy",
                "reboot the host, then run again",
                cause="driver-mismatch",
            )
        ]
    found: list[Problem] = []
    if smi is not None and not state.awaits_reboot and not state.broken_off:
        found += faults(state.bus, smi)
    if config.nvidia_driver == "preinstalled":
        found += _preinstalled(state, config)
    elif install_needed(state, config):
        found += _installation(state, config, disruption)
        if config.nvidia_driver == "apt":
            found += _apt(state, config, offered)
        else:
            found += _runfile(state, config, disruption)
    if state.nouveau and state.at_work and not disruption:
        found.append(
            Problem(
                f"nouveau is loaded, but {in_words(state.at_work)} on the host", ALLOW_REBOOT, cause="reboot-at-work"
            )
        )
    if state.nouveau and state.stale_initramfs and not state.initramfs_tool:
        stale = "nouveau is loaded from an initramfs that neither update-initramfs nor dracut is there to rebuild"
        found.append(Problem(stale, "apt-get install initramfs-tools, then run again", cause="nouveau-initramfs"))
    return found


def _preinstalled(state: DriverState, config: Config) -> Iterator[Problem]:
    if state.version is None:
        yield Problem(
            f"no NVIDIA driver is installed for kernel {state.kernel}",
            "install one, or set nvidia_driver in config.yaml to runfile or apt",
            cause="driver-missing",
        )
    elif not is_wanted(state.version, config):
        yield Problem(
            f"driver {state.version} is installed but nvidia_driver_version asks for {wanted_version(config)}",
            "install that version, or change nvidia_driver_version",
            cause="driver-version",
        )
    elif state.secure_boot and not state.loaded and not state.signed:
        yield Problem(
            "Secure Boot is on and the installed NVIDIA module is not signed, so the kernel will not load it",
            "sign it and enrol the key with mokutil, or turn Secure Boot off in the firmware",
            cause=SECURE_BOOT,
        )


def _installation(state: DriverState, config: Config, disruption: bool) -> Iterator[Problem]:
    """What forbids installing any driver."""
    if state.secure_boot:
        yield Problem(
            "Secure Boot is on and would refuse the unsigned module that is to be installed",
            "turn it off in the firmware, or install a signed driver yourself and set nvidia_driver: preinstalled",
            cause=SECURE_BOOT,
        )
    if state.headers == "missing":
        yield Problem(
            f"linux-headers-{state.kernel} is in none of the host's apt sources",
            "add a source that has it, or install the distribution's current kernel and reboot into it",
            cause=HEADERS,
        )
    if state.unowned and not disruption:
        yield Problem(
            f"driver {state.loaded} is loaded but neither apt nor NVIDIA's runfile installed it: it came "
            "with the machine's image or a container",
            "set nvidia_driver: preinstalled, remove it and reboot, or have it replaced with --data "
            "allow_disruption=yes",
            cause="driver-origin",
        )
    # apt's driver is replaced on the disk, and what is loaded by a reboot; a runfile's takes no reboot.
    at_work = in_words(state.at_work, ON_GPUS) if config.nvidia_driver == "runfile" else in_words(state.at_work)
    if state.loaded and at_work and not disruption:
        yield Problem(
            f"driver {state.loaded} must be replaced but {at_work}",
            "stop them, or allow it with --data allow_disruption=yes",
            cause="driver-at-work",
        )


def _apt(state: DriverState, config: Config, offered: Sequence[str] | None) -> Iterator[Problem]:
    if state.os == "ubuntu" and not config.nvidia_driver_branch:
        fix = "set nvidia_driver_branch, as 535 or 535-server"
        yield Problem("Ubuntu's driver packages are named by branch", fix, cause="driver-branch")
    elif offered is not None and not fitting(offered, config):
        name, wanted = apt_package(config), wanted_version(config)
        version = f" {wanted}" if wanted else ""
        yield Problem(
            f"{name}{version} is in none of the host's apt sources (offered: {', '.join(offered[:5]) or 'none'})",
            "add the component or source that has it (non-free on Debian), or change nvidia_driver_version",
            cause="driver-offer",
        )
    if state.from_runfile:
        yield Problem(
            f"driver {state.version or '(broken)'} was installed by NVIDIA's runfile, which apt must not overwrite",
            "run `nvidia-uninstall --silent` on the host, or set nvidia_driver: runfile",
            cause="driver-origin",
        )


def _runfile(state: DriverState, config: Config, disruption: bool) -> Iterator[Problem]:
    unusable = runfile.problem(config)
    if unusable:
        yield unusable
    elif not wanted_version(config):
        fix = "set nvidia_driver_version to the one it installs"
        yield Problem("the runfile's name shows no driver version", fix, cause="driver-runfile")
    if state.packages and state.loaded and not disruption:
        yield Problem(
            f"the loaded driver {state.loaded} was installed from apt",
            "set nvidia_driver: apt, purge its packages and reboot, or have it replaced "
            "with --data allow_disruption=yes",
            cause="driver-origin",
        )
