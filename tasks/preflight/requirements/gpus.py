"""Requirements on the GPUs of workers. What the driver may need is asked of the driver's own policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from cluster import Config, Host
from tasks.gpu import DriverState, describe, faults, refusals
from tasks.preflight.model import WORKERS, Severity, Shortfall, Subject, Survey, across_hosts, each_host
from tasks.preflight.snapshot import Snapshot


def _nvidia(config: Config) -> bool:
    return config.gpu_type == "nvidia"


def _driver_built(config: Config) -> bool:
    return _nvidia(config) and config.nvidia_driver != "preinstalled"


def _refused(subject: Subject, state: DriverState) -> list[str]:
    # Without a loaded driver nvidia-smi can only fail; the deploy loads one that is on the disk.
    smi = subject.seen.smi if state.loaded else None
    return refusals(state, subject.config, disruption=subject.survey.disruption, smi=smi)


def _rows(reasons: Iterable[str], needed: str) -> Iterable[Shortfall]:
    """The policy's sentences are `what is wrong; what to do`."""
    for reason in reasons:
        found, _, fix = reason.partition("; ")
        yield Shortfall(found, needed, fix)


@each_host("gpu", WORKERS, when=_nvidia)
def gpu(subject: Subject) -> Iterable[Shortfall]:
    """A worker has an NVIDIA GPU on its PCI bus."""
    if not subject.seen.driver.bus:
        yield from _rows(faults((), subject.seen.smi), "at least one NVIDIA GPU")


@each_host("gpu-driver", WORKERS, when=_nvidia, needs_root=True)
def gpu_driver(subject: Subject) -> Iterable[Shortfall]:
    """The driver works and shows every GPU of the bus, or nothing forbids the deploy to install it."""
    state = replace(subject.seen.driver, secure_boot=False, headers="present")
    if state.bus:
        yield from _rows(_refused(subject, state), "a working driver, or a way to install one")


@each_host("secure-boot", WORKERS, when=_nvidia, needs_root=True)
def secure_boot(subject: Subject) -> Iterable[Shortfall]:
    """Secure Boot does not keep the driver's module from being loaded."""
    state = subject.seen.driver
    without = _refused(subject, replace(state, secure_boot=False))
    reasons = [reason for reason in _refused(subject, state) if reason not in without]
    yield from _rows(reasons, "Secure Boot off, or a signed driver")


@each_host("kernel-headers", WORKERS, when=_driver_built, needs_root=True)
def kernel_headers(subject: Subject) -> Iterable[Shortfall]:
    """Headers of the running kernel are there or to be had from apt, where the driver is to be built."""
    state = subject.seen.driver
    without = _refused(subject, replace(state, headers="present"))
    reasons = [reason for reason in _refused(subject, state) if reason not in without]
    yield from _rows(reasons, f"linux-headers-{state.kernel}")


@each_host("gpu-runtime", WORKERS, when=_nvidia)
def gpu_runtime(subject: Subject) -> Iterable[Shortfall]:
    """nvidia-container-runtime is installed; the deploy installs it."""
    if not subject.seen.nvidia_runtime:
        yield Shortfall("not installed", "nvidia-container-runtime", "the deploy installs it", True)


@across_hosts("gpus-equal", WORKERS, Severity.SHOULD, when=_nvidia)
def gpus_equal(survey: Survey, hosts: list[tuple[Host, Snapshot]]) -> Iterable[tuple[Host, Shortfall]]:
    """Workers have GPUs of the same models and number; OpenPAI 1.0 counts them all as the smallest."""
    having = {host: describe(seen.smi.gpus) for host, seen in hosts if seen.smi.gpus}
    if not having:
        return
    usual, _ = Counter(having.values()).most_common(1)[0]
    for host, found in having.items():
        if found != usual:
            yield host, Shortfall(found, usual, "expect OpenPAI to use the smallest, or give it a layout.yaml")


ALL = (gpu, gpu_driver, secure_boot, kernel_headers, gpu_runtime, gpus_equal)
