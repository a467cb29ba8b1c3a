"""Requirements on the GPUs of workers. What the driver may need is asked of the driver's own policy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from cluster import Config, Host, Problem
from cluster.versions import numbers
from tasks.gpu import (
    HEADERS,
    MINIMUM,
    SECURE_BOOT,
    ailments,
    built_by_dkms,
    defects,
    describe,
    faults,
    next_boot,
    refusals,
    unsafe,
)
from tasks.preflight.model import WORKERS, Severity, Subject, Survey, across_hosts, each_host, shortfall
from tasks.preflight.requirements.machine import MB
from tasks.preflight.snapshot import Snapshot


def _nvidia(config: Config) -> bool:
    return config.gpu_type == "nvidia"


def _driver_built(config: Config) -> bool:
    return _nvidia(config) and config.nvidia_driver != "preinstalled"


def _refused(subject: Subject, needed: str, cause: str = "") -> Iterable[Problem]:
    """What the driver's policy refuses for `cause`, or for any that is no requirement of its own."""
    # Without a loaded driver nvidia-smi can only fail; the deploy loads one that is on the disk.
    state = subject.seen.driver
    if subject.rolls:
        state = replace(state, at_work=())
    smi = subject.seen.smi if state.loaded else None
    for problem in refusals(state, subject.config, disruption=subject.survey.disruption, smi=smi):
        if problem.cause == cause or (not cause and problem.cause not in (SECURE_BOOT, HEADERS)):
            yield replace(problem, needed=needed)


@each_host("gpu", WORKERS, when=_nvidia)
def gpu(subject: Subject) -> Iterable[Problem]:
    """A worker has an NVIDIA GPU on its PCI bus."""
    if not subject.seen.driver.bus:
        for problem in faults((), subject.seen.smi):
            yield replace(problem, needed="at least one NVIDIA GPU")


@each_host("gpu-driver", WORKERS, when=_nvidia, needs_root=True)
def gpu_driver(subject: Subject) -> Iterable[Problem]:
    """The driver works and shows every GPU of the bus, or nothing forbids the deploy to install it."""
    if subject.seen.driver.bus:
        yield from _refused(subject, "a working driver, or a way to install one")


@each_host("secure-boot", WORKERS, when=_nvidia, needs_root=True)
def secure_boot(subject: Subject) -> Iterable[Problem]:
    """Secure Boot does not keep the driver's module from being loaded."""
    yield from _refused(subject, "Secure Boot off, or a signed driver", SECURE_BOOT)


@each_host("kernel-headers", WORKERS, when=_driver_built, needs_root=True)
def kernel_headers(subject: Subject) -> Iterable[Problem]:
    """Headers of the running kernel are there or to be had from apt, where the driver is to be built."""
    yield from _refused(subject, f"linux-headers-{subject.seen.driver.kernel}", HEADERS)


@each_host("next-kernel", WORKERS, Severity.SHOULD, when=_nvidia, needs_root=True)
def next_kernel(subject: Subject) -> Iterable[Problem]:
    """The kernel of the next boot has the driver that is installed; the deploy has DKMS build it, if that does."""
    state = subject.seen.driver
    problem = next_boot(state, subject.config)
    if problem:
        needed = f"driver {state.installed} for it"
        if _driver_built(subject.config) and built_by_dkms(state):
            yield shortfall(problem.found, needed, "the deploy has DKMS build it", True)
        else:
            yield replace(problem, needed=needed)


@each_host("boot-space", WORKERS, when=_nvidia)
def boot_space(subject: Subject) -> Iterable[Problem]:
    """Room in /boot for one more initramfs: those of all kernels are rebuilt for nouveau, one after the other."""
    state, free = subject.seen.driver, subject.seen.space.get("/boot")
    needed = subject.seen.initramfs * 11 // 10
    if free is not None and free < needed and state.initramfs_tool and (state.stale_initramfs or not state.installed):
        yield shortfall(
            f"{free // MB} MB free in /boot",
            f"{needed // MB} MB, for an initramfs beside the one that it replaces",
            "remove kernels that are not needed (`apt-get autoremove --purge`), or enlarge /boot",
        )


@each_host("gpu-runtime", WORKERS, when=_nvidia)
def gpu_runtime(subject: Subject) -> Iterable[Problem]:
    """nvidia-container-runtime is installed; the deploy installs it."""
    if not subject.seen.nvidia_runtime:
        yield shortfall("not installed", "nvidia-container-runtime", "the deploy installs it", True)


@each_host("gpu-toolkit", WORKERS, Severity.SHOULD, when=_nvidia)
def gpu_toolkit(subject: Subject) -> Iterable[Problem]:
    """A container toolkit without known holes; an older one is replaced, unless nvidia_toolkit_version asks for it."""
    pinned, found = subject.config.nvidia_toolkit_version, subject.seen.packages.get("nvidia-container-toolkit", "")
    version = pinned if pinned and len(numbers(pinned)) > 2 else found
    if version and unsafe(version):
        fix = "unset nvidia_toolkit_version, or make it newer" if pinned else "the deploy replaces it"
        yield shortfall(version, f"{MINIMUM} or newer (CVE-2025-23266)", fix, not pinned)


@each_host("gpu-containers", WORKERS, Severity.SHOULD, when=_nvidia, needs_root=True)
def gpu_containers(subject: Subject) -> Iterable[Problem]:
    """No running container loses its GPUs when systemd reads its units anew; a deploy that needs that stops there."""
    losing = subject.seen.losing_gpus
    if losing:
        yield shortfall(
            f"{len(losing)} containers lose their GPUs by a daemon-reload ({', '.join(losing[:5])})",
            "containers of a toolkit from 1.18 on, or with their GPUs by --device",
            "stop them before the deploy changes this host, or allow it with --data allow_disruption=yes",
        )


@each_host("fabric-manager", WORKERS, when=_nvidia)
def fabric_manager(subject: Subject) -> Iterable[Problem]:
    """Where NVSwitches join the GPUs, the driver's own fabric manager runs; the deploy installs it."""
    state = subject.seen.driver
    runs = "active" in state.fabric_unit
    if state.switches and not (runs and state.fabric == state.version):
        found = f"fabric manager {state.fabric or 'none'}{'' if runs else ', not running'}"
        yield shortfall(found, f"that of driver {state.version or '(to come)'}", "the deploy installs it", True)


@each_host("gpu-memory", WORKERS, when=_nvidia, needs_root=True)
def gpu_memory(subject: Subject) -> Iterable[Problem]:
    """No GPU has used up its spare memory: NVIDIA replaces such a card."""
    for problem in defects(subject.seen.health):
        yield replace(problem, needed="memory that can be remapped")


@each_host("gpu-health", WORKERS, Severity.SHOULD, when=_nvidia, needs_root=True)
def gpu_health(subject: Subject) -> Iterable[Problem]:
    """No memory errors, memory to be remapped, lost PCIe lanes, throttling, or Xid of the hardware in dmesg."""
    for problem in ailments(subject.seen.health):
        yield replace(problem, needed="a GPU without errors, at full speed")


@across_hosts("gpus-equal", WORKERS, Severity.SHOULD, when=_nvidia)
def gpus_equal(survey: Survey, hosts: list[tuple[Host, Snapshot]]) -> Iterable[tuple[Host, Problem]]:
    """Workers have GPUs of the same models and number; OpenPAI 1.0 counts them all as the smallest."""
    having = {host: describe(seen.smi.gpus) for host, seen in hosts if seen.smi.gpus}
    if not having:
        return
    usual, _ = Counter(having.values()).most_common(1)[0]
    for host, found in having.items():
        if found != usual:
            yield host, shortfall(found, usual, "expect OpenPAI to use the smallest, or give it a layout.yaml")


ALL = (
    gpu,
    gpu_driver,
    secure_boot,
    kernel_headers,
    next_kernel,
    boot_space,
    gpu_runtime,
    gpu_toolkit,
    gpu_containers,
    fabric_manager,
    gpu_memory,
    gpu_health,
    gpus_equal,
)
