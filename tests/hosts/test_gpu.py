"""GPUs: all that the PCI bus shows answer, by the right driver, on the host and in a container by default."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from cluster import Cluster, Host
from cluster.names import short
from tests.hosts import cuda_program, gpu_health, gpus, kernels, report
from tests.hosts.connections import Unreachable
from tests.hosts.containers import container_probe
from tests.hosts.packages import expect_held, package_probes
from tests.hosts.probes import Answer, Probe
from tests.hosts.report import expect, expect_answer
from tests.hosts.snapshots import Snapshots
from tests.hosts.targets import Target, applies_to, nvidia_workers

pytestmark = applies_to(nvidia_workers)

Answers = dict[str, Answer]

TOOLKIT = "nvidia-container-toolkit"
SOUND_TOOLKIT = (1, 17, 8)


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    yield from package_probes(TOOLKIT)
    yield gpus.BUS
    yield gpus.NVIDIA_SMI
    yield Probe("nouveau", "test ! -e /sys/module/nouveau")
    yield Probe("loaded driver", "cat /sys/module/nvidia/version || cat /proc/driver/nvidia/version")
    yield gpus.INSTALLED
    yield kernels.NEXT_KERNEL
    yield from (gpus.SWITCHES, gpus.FABRIC_MANAGER, gpus.FABRIC_SERVICE, gpus.FABRIC_HOLD)
    yield from gpu_health.PROBES
    yield Probe("default runtime", "docker info --format '{{.DefaultRuntime}}'", seconds=30)
    # As the guide tests it: no --gpus, so that only the default runtime can bring the GPUs in.
    yield container_probe("container", cluster.config.cuda_image, "nvidia-smi", "-L", seconds=gpus.NVIDIA_SMI.seconds)
    yield container_probe("cuda", cluster.config.cuda_image, *cuda_program.command(), seconds=gpus.NVIDIA_SMI.seconds)


@pytest.fixture(scope="module", autouse=True)
def unequal_workers(
    pytestconfig: pytest.Config,
    targets: tuple[Target, ...],
    snapshots: Snapshots,
    request: pytest.FixtureRequest,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[None]:
    """After the tests: a table of the workers' GPUs where they differ. No fault, but OpenPAI counts them as equal."""
    yield
    by_gpus: dict[str, list[str]] = defaultdict(list)
    for target in targets:
        # A host that cannot be reached has failed already, and has no GPUs to compare.
        with suppress(Unreachable):
            if nvidia_workers(target.cluster, target.host):
                smi = snapshots.get(target, request.module)["nvidia-smi"]
                by_gpus[gpus.describe(gpus.gpus(smi))].append(target.name)
    if len(by_gpus) > 1:
        width = max(map(len, by_gpus))
        rows = [f"{owned:<{width}}  {short(names)}" for owned, names in sorted(by_gpus.items())]
        record_testsuite_property("unequal GPUs", "; ".join(rows))
        report.note(pytestconfig, "\n".join(["the workers have unequal GPUs.", *rows]))


def test_every_gpu_answers(target: Target, answers: Answers) -> None:
    found = gpus.faults(answers["bus"].out.split(), answers["nvidia-smi"], gpus.wanted_driver(target.config))
    if found:
        report.fail(target, "; ".join(found))


def test_no_gpu_has_to_be_replaced(target: Target, answers: Answers, pytestconfig: pytest.Config) -> None:
    for said in gpu_health.ailments(answers):
        report.note(pytestconfig, said, target)
    found = gpu_health.defects(answers)
    if found:
        report.fail(target, "; ".join(found))


def test_nouveau_is_not_loaded(target: Target, answers: Answers) -> None:
    expect(
        answers["nouveau"].ok,
        target,
        found="the nouveau driver loaded",
        needed="NVIDIA's alone",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_installed_driver_is_loaded(target: Target, answers: Answers) -> None:
    said = expect_answer(
        answers["loaded driver"],
        target,
        needed="a loaded NVIDIA driver",
        remedy="install it (nvidia_driver in config.yaml) or reboot the host",
    )
    loaded = gpus.version_in(said) or said
    # A driver that came with the machine's image may have no module file that modinfo knows.
    installed = answers["installed driver"].out or loaded
    expect(
        loaded == installed,
        target,
        found=f"driver {loaded} loaded, {installed} installed",
        needed="the same",
        remedy="reboot the host",
    )


def test_the_next_boot_has_the_driver(target: Target, answers: Answers) -> None:
    fault = kernels.next_boot_fault(answers["next kernel"], answers["installed driver"].out, target.config)
    if fault:
        report.fail(target, fault)


def test_persistence_mode(target: Target, answers: Answers) -> None:
    answering = gpus.gpus(answers["nvidia-smi"])
    expect(
        bool(answering),
        target,
        found="no GPU that answers",
        needed="persistence mode on all of them",
        remedy="see test_every_gpu_answers",
    )
    found = [gpu.index for gpu in answering if gpu.persistence != "Enabled"]
    expect(
        not found,
        target,
        found=f"persistence mode off on GPU {', '.join(found)}",
        needed="it on, or the first call after a pause takes seconds for every GPU",
        remedy="run `systemctl enable --now nvidia-persistenced` there, or `nvidia-smi -pm 1`",
    )


def test_container_toolkit_is_installed_and_held(target: Target, answers: Answers) -> None:
    expect_held(target, answers, TOOLKIT, target.config.nvidia_toolkit_version)


def test_container_toolkit_has_no_known_hole(target: Target, answers: Answers, pytestconfig: pytest.Config) -> None:
    found = re.search(rf"^{TOOLKIT} (\d+)\.(\d+)\.(\d+)", answers["packages"].out, re.MULTILINE)
    if not found or tuple(map(int, found.groups())) >= SOUND_TOOLKIT:
        return
    needed = ".".join(map(str, SOUND_TOOLKIT)) + " or newer, or an image can take over the host (CVE-2025-23266)"
    if target.config.nvidia_toolkit_version:
        report.note(pytestconfig, f"{found[0]}, by nvidia_toolkit_version; needed {needed}", target)
    else:
        expect(False, target, found=found[0], needed=needed, remedy=f"run the deploy: {target.deploy}")


def test_default_runtime(target: Target, answers: Answers) -> None:
    wanted = target.config.worker_default_docker_runtime
    remedy = f"run the deploy: {target.deploy}"
    found = expect_answer(answers["default runtime"], target, needed="an answer of the Docker daemon", remedy=remedy)
    expect(found == wanted, target, found=f"Docker's default runtime {found}", needed=wanted, remedy=remedy)


def test_container_sees_every_gpu(target: Target, answers: Answers) -> None:
    bus = answers["bus"].out.split()
    command = f"`docker run --rm {target.config.cuda_image} nvidia-smi`"
    out = expect_answer(
        answers["container"],
        target,
        needed=f"{command} to show the GPUs",
        remedy="check that the registry has the image (cuda_image in config.yaml) and Docker's default runtime",
    )
    seen = [line for line in out.splitlines() if line.startswith("GPU ")]
    expect(
        bool(bus) and len(seen) == len(bus),
        target,
        found=f"{len(seen)} GPUs in {command}",
        needed=f"the {len(bus)} of the PCI bus",
        remedy="look at the GPUs of the host itself first",
    )


def test_fabric_manager_is_the_drivers(target: Target, answers: Answers) -> None:
    if not answers["switches"].out:
        return
    remedy = f"run the deploy: {target.deploy}"
    loaded = gpus.version_in(answers["loaded driver"].out) or "none"
    found = gpus.version_in(answers["fabric manager"].out) or "none"
    count = len(answers["switches"].out.split())
    expect(
        found == loaded,
        target,
        found=f"{count} NVSwitches with driver {loaded} and fabric manager {found}",
        needed="a fabric manager of exactly the driver's version",
        remedy=remedy,
    )
    state = answers["fabric service"].out.split()
    needed = "active, enabled"
    expect(state == ["active", "enabled"], target, found=f"the fabric manager {state}", needed=needed, remedy=remedy)
    expect(answers["fabric hold"].ok, target, found="the fabric manager not held", needed="a hold", remedy=remedy)


def test_cuda_starts_in_a_container(target: Target, answers: Answers) -> None:
    # With MIG, CUDA has one part of a GPU, whatever there are.
    mig = "MIG " in answers["container"].out
    fault = gpus.cuda_fault(answers["cuda"], 1 if mig else len(answers["bus"].out.split()))
    if fault:
        report.fail(target, fault)
