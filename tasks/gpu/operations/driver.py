"""NVIDIA's driver on a host, as the config wants it: admissible, installed, loaded, verified, kept initialised.

pyinfra has no operation for any of these. Each decides from the host's state when it runs, so that a run cut short
anywhere is taken up by the next one.
"""

import io
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand, operation
from pyinfra.facts.files import Sha256File
from pyinfra.facts.systemd import SystemdEnabled

from cluster import Config, Problem
from tasks import apt
from tasks.apt import AptOffers
from tasks.gpu import driver_policy, kernel_policy, runfile
from tasks.gpu.facts.driver import INSTALL, MODULE, RECORD, STATE, UNDER_WAY, DriverState, NvidiaDriver, version_in
from tasks.gpu.facts.gpus import NvidiaSmi, faults
from tasks.gpu.facts.toolkit import NvidiaToolkit
from tasks.reach import Commands, detached, disruption_allowed, has_turn, planning, script, stop, text
from tasks.systemd import GPU_PROCESSES, beyond_pods, reread

CACHE = "/var/cache/openpai-deploy"
# What an installation ends with: the module on the disk tells which version the next boot will load.
_FINISH = StringCommand(
    "v=$(",
    script(MODULE, "version"),
    f") && echo $v >{RECORD}.new && mv -f {RECORD}.new {RECORD} && rm -f {UNDER_WAY}",
)


@operation()
def admissible(config: Config) -> Commands:
    """Stop the host, before anything on it changes, where its driver cannot become what the config wants."""
    driver = host.get_fact(NvidiaDriver)
    if driver.installing:
        yield detached.wait(INSTALL)
        driver = host.get_fact(NvidiaDriver)
    if has_turn(host):
        driver = replace(driver, at_work=beyond_pods(driver.at_work))
    allowed = disruption_allowed(host)
    offered = None
    if driver_policy.install_needed(driver, config):
        offered = _offered(config)
        if driver.headers != "present" or (offered is not None and not driver_policy.fitting(offered, config)):
            if planning():
                # A plan refreshes no index, so it leaves out what an old one may be wrong about.
                certain = driver_policy.refusals(replace(driver, headers="present"), config, disruption=allowed)
                yield stop(*certain) if certain else apt.refresh()
                return
            # The driver, or the headers of a kernel that is not the distribution's, may be in a source of others.
            yield apt.refresh(others=True)
            refreshed, offered = host.get_fact(NvidiaDriver), _offered(config)
            driver = replace(driver, headers=refreshed.headers)
    # A planning run needs no second answer from GPUs that may take seconds each to wake.
    smi = host.get_fact(NvidiaSmi) if driver.loaded and not planning() else None
    reasons = driver_policy.refusals(driver, config, disruption=allowed, smi=smi, offered=offered)
    if reasons:
        yield stop(*reasons)
    elif driver.switches:
        yield from _fabric_manager_to_be_had(driver, config, offered)


def _fabric_manager_to_be_had(driver: DriverState, config: Config, offered: tuple[str, ...] | None) -> Commands:
    """Stop the host where the driver that will run has no fabric manager on offer."""
    version = driver.version
    if driver_policy.install_needed(driver, config):
        chosen = driver_policy.fitting(offered or (), config)
        version = version_in(chosen[0]) if chosen else driver_policy.wanted_version(config)
    if not version or driver.fabric == version or driver_policy.fabric_package(version, _fabric_offers(version)):
        return
    yield apt.refresh(others=True)  # the CUDA repository is not the distribution's
    if not planning() and not driver_policy.fabric_package(version, _fabric_offers(version)):
        yield stop(driver_policy.no_fabric_manager(version, _fabric_offers(version)))


def _offered(config: Config) -> tuple[str, ...] | None:
    if config.nvidia_driver != "apt":
        return None
    name = driver_policy.apt_package(config)
    return host.get_fact(AptOffers, names=[name]).get(name, ())


@operation()
def build_tools(config: Config) -> Commands:
    """The kernel's headers and a compiler, where a driver is about to be built."""
    driver = host.get_fact(NvidiaDriver)
    if not driver_policy.install_needed(driver, config):
        return
    names = [] if driver.headers == "present" else [f"linux-headers-{driver.kernel}"]
    if config.nvidia_driver == "runfile":
        names += ["gcc", "make", "libc6-dev", *(["dkms"] if config.nvidia_driver_dkms else [])]
        compiler = f"gcc-{driver.compiler}"
        if driver.compiler and host.get_fact(AptOffers, names=[compiler]).get(compiler):
            names.append(compiler)
    if names:
        yield from apt.packages._inner(names=names, hold=False)


@operation()
def installed(config: Config) -> Commands:
    """Install the driver by the config's source where it is not the wanted one, in a unit that outlives this run."""
    driver = host.get_fact(NvidiaDriver)
    if not driver_policy.install_needed(driver, config):
        return
    yield StringCommand(f"mkdir -p {STATE} {CACHE}")
    if config.nvidia_driver == "runfile":
        yield from _install_runfile(driver, config)
    else:
        yield from _install_from_apt(driver, config)
    driver = host.get_fact(NvidiaDriver)
    if not driver_policy.is_wanted(driver.installed, config):
        yield stop(
            f"the installation left driver {driver.installed or 'none'} on the disk, "
            f"not {driver_policy.wanted_version(config)}; "
            f"see /var/log/nvidia-installer.log and {detached.LOGS}/{INSTALL}.log",
            cause="driver-installation",
        )


def _install_runfile(driver: DriverState, config: Config) -> Commands:
    source, sha256 = str(config.nvidia_driver_runfile), runfile.digest(config)
    cached = f"{CACHE}/{PurePosixPath(source).name}"
    if host.get_fact(Sha256File, path=cached) != sha256:
        if runfile.is_url(source):
            yield apt.fetch(source, cached, "sha256", sha256, "check nvidia_driver_runfile and its sum")
        else:
            yield FileUploadCommand(str(Path(source).expanduser()), cached)
    packages = " ".join(package.name for package in driver.packages)
    options = ["--dkms"] if config.nvidia_driver_dkms else []
    program, words = "gpu/install-runfile.sh", (UNDER_WAY, cached, packages, driver.compiler, *options)
    install = script(program, *words, library=GPU_PROCESSES)
    yield detached.command(INSTALL, StringCommand(apt.alone("true"), "&&", install, "&&", _FINISH))


def _install_from_apt(driver: DriverState, config: Config) -> Commands:
    """Every package by name and version: apt would keep those installed at theirs, which no longer fit together."""
    asked = driver_policy.apt_packages(config)
    present = [package.name for package in driver.packages]
    names = list(dict.fromkeys(asked + present))
    offers = host.get_fact(AptOffers, names=names)
    fitting = {name: driver_policy.fitting(offers.get(name, ()), config) for name in names}
    missing = [name for name in asked if not fitting[name]]
    if missing:
        wanted = driver_policy.wanted_version(config) or ""
        yield stop(
            f"{', '.join(missing)} {wanted}".rstrip() + " is in none of the host's apt sources", cause="driver-offer"
        )
        return
    chosen = [f"{name}={versions[0]}" for name, versions in fitting.items() if versions]
    steps = [
        f"{{ [ -e {UNDER_WAY} ] || : >{UNDER_WAY}; }}",
        *([apt.mark("unhold", present)] if present else []),
        apt.get("--no-install-recommends", "--allow-downgrades", "install", *chosen),
        # Packages that were there already are not configured again: an installation before this kernel's headers.
        script("gpu/build-module.sh", driver.kernel, text(MODULE), ""),
        _FINISH,
    ]
    yield detached.command(INSTALL, StringCommand(*steps, _separator=" && "))


@operation()
def held() -> Commands:
    """Hold every package of the driver: an upgrade under a loaded module stops every GPU program.

    And the kernels, where its modules come prebuilt: a held one follows no kernel.
    """
    driver = host.get_fact(NvidiaDriver)
    names = [package.name for package in driver.packages if package.complete] + kernel_policy.held_with_driver(driver)
    unheld = [name for name in names if name not in driver.held]
    if unheld:
        yield apt.mark("hold", unheld)


@operation()
def loaded() -> Commands:
    """Load the driver where no boot has done it."""
    driver = host.get_fact(NvidiaDriver)
    if driver.loaded is None:
        yield StringCommand("modprobe nvidia && modprobe nvidia_uvm")


def _fabric_offers(version: str) -> dict[str, tuple[str, ...]]:
    return host.get_fact(AptOffers, names=driver_policy.fabric_packages(version))


@operation()
def fabric_manager() -> Commands:
    """On a machine with NVSwitches, the fabric manager of exactly the loaded driver, held, running now and at boots.

    Without it CUDA fails (error 802, system not yet initialized) while nvidia-smi shows every GPU.
    """
    driver = host.get_fact(NvidiaDriver)
    version = driver.loaded or driver.installed
    if not driver.switches or not version:
        return
    if driver.fabric != version:
        package = driver_policy.fabric_package(version, _fabric_offers(version))
        if not package:
            yield stop(driver_policy.no_fabric_manager(version, _fabric_offers(version)))
            return
        yield from reread()
        if driver.fabric_packages:  # apt removes none that is held, and another branch's must go
            yield apt.mark("unhold", sorted(driver.fabric_packages))
        yield apt.get("--allow-downgrades", "install", package)
        driver = host.get_fact(NvidiaDriver)
    unheld = sorted(driver.fabric_packages - driver.held)
    if unheld:
        yield apt.mark("hold", unheld)
    if not driver.fabric_unit >= {"active", "enabled"}:
        yield StringCommand(script("gpu/start-fabric-manager.sh"))


@operation()
def verified(config: Config) -> Commands:
    """Fail the host, naming the cause, where its driver and GPUs are not all there. Never changes anything."""
    if planning():
        return
    driver = host.get_fact(NvidiaDriver)
    found = faults(driver.bus, host.get_fact(NvidiaSmi))
    if not driver_policy.is_wanted(driver.loaded, config):
        other = f"driver {driver.loaded or 'none'} is loaded, not {driver_policy.wanted_version(config)}"
        found.append(Problem(other, "reboot the host", cause="driver-version"))
    if found:
        yield stop(*found)


@operation()
def persistent(unit: str) -> Commands:
    """Persistence mode on every GPU, now and after each boot by `unit`.

    Without a reload of systemd, which costs running containers their GPU on cgroup v2; a new unit needs none. By the
    files alone: told by --no-reload, systemd from 254 on says NeedDaemonReload of every unit.
    """
    if not host.get_fact(SystemdEnabled, services=[unit]).get(unit):
        yield StringCommand("systemctl --root=/ enable --quiet", QuoteString(unit))
    if not all(gpu.persistence for gpu in host.get_fact(NvidiaSmi).gpus):
        yield StringCommand("systemctl restart", QuoteString(unit))


@operation()
def linked(rule: str) -> Commands:
    """For toolkits before 1.18: links in /dev/char to GPUs, by NVIDIA's udev rule at the path `rule`, and now.

    With them systemd, when it reads its units anew, leaves GPUs to those containers that were given their device nodes
    (--device, CDI). Newer toolkits need no rule: 1.18.0 cannot make links.
    """
    toolkit, wanted = host.get_fact(NvidiaToolkit, rule=rule), text("gpu/dev-char.rules")
    if not toolkit.wants_links:
        if toolkit.rule:
            yield StringCommand("rm -f", QuoteString(rule))
        return
    if toolkit.rule != wanted:
        yield FileUploadCommand(io.StringIO(wanted), rule)
        yield StringCommand("chmod 644", QuoteString(rule))
    if toolkit.unlinked:
        yield StringCommand("nvidia-ctk system create-dev-char-symlinks --create-all")


def nouveau_loaded() -> str | None:
    """A cause to reboot: nouveau holds the GPUs, and only a boot with it blacklisted lets go of them."""
    return "nouveau is loaded" if host.get_fact(NvidiaDriver).nouveau else None


def other_version_loaded() -> str | None:
    """A cause to reboot: this deploy has installed another version than the one that is loaded."""
    driver = host.get_fact(NvidiaDriver)
    if not driver.awaits_reboot:
        return None
    return f"driver {driver.installed} is installed but {driver.loaded} is loaded"


_REBUILD = {
    "update-initramfs": "update-initramfs -u -k all",
    "dracut": "dracut --force --regenerate-all",
}


@operation()
def knows_blacklist() -> Commands:
    """Rebuild every initramfs that is older than the blacklist of nouveau.

    Both tools write beside the image and rename, so one that is newer is complete; a host without an initramfs has
    nothing to rebuild.
    """
    state = host.get_fact(NvidiaDriver)
    if state.stale_initramfs and state.initramfs_tool:
        yield StringCommand(_REBUILD[state.initramfs_tool])
