"""Requirements of OpenPAI's services: ports, what they take of the master, HiveD's processors for GPUs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cluster import Config, Problem, Role, versions
from cluster.kubernetes import MIB
from cluster.openpai import HIVED_FIX, Nodes, available, chosen, free_cores, internal_storage_gb, ports, requested
from tasks.preflight.model import CONTROLLED, MASTERS, WORKERS, Severity, Subject, each_host, shortfall
from tasks.preflight.requirements.machine import GB, resources, room
from tasks.preflight.requirements.software import taken
from tasks.preflight.targets import INTERNAL_STORAGE

_ON_MASTER, _ON_WORKERS = (Nodes.MASTER, Nodes.ALL), (Nodes.WORKERS, Nodes.ALL)


def _openpai(config: Config) -> bool:
    return config.openpai


def _hived(config: Config) -> bool:
    return config.openpai and any(service.name == "hivedscheduler" for service in available(config))


@each_host("openpai-ports", CONTROLLED, when=_openpai, needs_root=True)
def openpai_ports(subject: Subject) -> Iterable[Problem]:
    """The TCP ports of OpenPAI's services are free, or theirs already."""
    nodes = _ON_MASTER if subject.host.role is Role.MASTER else _ON_WORKERS
    return taken(subject, ports(subject.config, subject.survey.layout, nodes))


@each_host("openpai-requests", MASTERS, when=_openpai)
def openpai_requests(subject: Subject) -> Iterable[Problem]:
    """With qos-switch, the master has what the services request of it: Kubernetes starts no pod beyond."""
    cpu, memory = requested(subject.config, subject.survey.layout, _ON_MASTER)
    seen, fix = subject.seen, "add it, choose fewer services (openpai_services), or set qos-switch: false"
    if memory * MIB > seen.memory:
        yield shortfall(f"{seen.memory // MIB} MiB of memory", f"{memory} MiB for OpenPAI's services", fix)
    if cpu > seen.cpus * 1000:
        yield shortfall(f"{seen.cpus} processors", f"{cpu / 1000:g} for OpenPAI's services", fix)


@each_host("openpai-storage", MASTERS, when=lambda config: _openpai(config) and resources(config), needs_root=True)
def openpai_storage(subject: Subject) -> Iterable[Problem]:
    """Free space for OpenPAI's internal storage, openpai_internal_storage_gb, where its file is not made yet."""
    if _stores(subject) and "made" not in subject.seen.storage:
        needed = -(-internal_storage_gb(subject.config) * 2**30 // GB)
        yield from room(subject, INTERNAL_STORAGE, needed, "openpai_internal_storage_gb")


@each_host("openpai-loop", MASTERS, Severity.SHOULD, when=_openpai, needs_root=True)
def openpai_loop(subject: Subject) -> Iterable[Problem]:
    """The master has loop devices, by which OpenPAI's internal storage is mounted."""
    if _stores(subject) and not subject.seen.storage & {"loop", "ready"}:
        yield shortfall("no /dev/loop-control", "loop devices", "`modprobe loop` on the master, or another kernel")


@each_host("openpai-processors", WORKERS, when=_hived)
def openpai_processors(subject: Subject) -> Iterable[Problem]:
    """A whole processor for each GPU is left for jobs, as HiveD gives them out; with less, every job is refused."""
    gpus = len(subject.seen.driver.bus)
    free = free_cores(Decimal(subject.seen.cpus), versions.of(subject.config))
    if free < gpus:
        found = f"{subject.seen.cpus} processors, {free:.2f} of them for jobs, for {gpus} GPUs"
        yield shortfall(found, "a whole one for each GPU", HIVED_FIX)


def _stores(subject: Subject) -> bool:
    return any(service.name == "internal-storage" for service in chosen(subject.config, subject.survey.layout))


ALL = (openpai_ports, openpai_requests, openpai_storage, openpai_loop, openpai_processors)
