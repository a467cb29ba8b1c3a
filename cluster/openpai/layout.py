"""layout.yaml, OpenPAI's description of the machines from v1.5.0 on: read, checked, or built from measured hardware."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cluster.files import YamlDocument, address_flaw, name_flaw, parse_yaml
from cluster.kubernetes import MIB, parse_quantity
from cluster.model import Cluster, Host, Role
from cluster.openpai.resources import NodeResources
from cluster.problems import ClusterError, Place, Problem

LAYOUT = "layout.yaml"
_SCHEMA = "see the example in docs/config.md"
# Machines whose memory differs by less belong to one SKU: firmware and kernels reserve a little more here and there.
_SAME_MEMORY = 0.95


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _memory(value: str) -> str:
    if parse_quantity(value) <= 0:
        raise ValueError("expected more than 0")
    return value


def _flawless(flaw: Callable[[str], Problem | None]) -> AfterValidator:
    def check(value: str) -> str:
        if problem := flaw(value):
            raise ValueError(problem.found)
        return value

    return AfterValidator(check)


Flag = Literal["true", "false"]


class Device(_Strict):
    """The computing devices of a machine of a SKU."""

    type: str
    model: str
    count: Annotated[int, Field(ge=1)]


class Cpu(_Strict):
    """The processors of a machine of a SKU."""

    vcore: Annotated[int, Field(ge=1)]


class Sku(_Strict):
    """A kind of machine."""

    mem: Annotated[str, AfterValidator(_memory)]
    cpu: Cpu
    device: Device | None = Field(None, alias="computing-device")


class Machine(_Strict):
    """A machine of the cluster."""

    hostname: Annotated[str, _flawless(name_flaw)]
    hostip: Annotated[str, _flawless(address_flaw)]
    sku: str = Field(alias="machine-type")
    master: Flag = Field("false", alias="pai-master")
    worker: Flag = Field("false", alias="pai-worker")
    storage: Flag = Field("false", alias="pai-storage")


class Layout(_Strict):
    """A whole layout.yaml, by upstream's schema (validate_layout_schema.py)."""

    kubernetes: dict[Literal["api-servers-url", "dashboard-url"], str] | None = None
    skus: dict[str, Sku] = Field(alias="machine-sku")
    machines: list[Machine] = Field(alias="machine-list")

    @property
    def workers(self) -> list[Machine]:
        """The machines that run jobs."""
        return [machine for machine in self.machines if machine.worker == "true"]


@dataclass(frozen=True)
class LayoutFile:
    """A layout.yaml that the operator wrote: what it says, and its text, which is kept as it is."""

    layout: Layout
    text: str


def parse_layout(text: str, file: str, problems: list[Problem]) -> tuple[Layout | None, YamlDocument]:
    """Read a layout.yaml by upstream's schema; what is wrong is appended to `problems`."""
    document = parse_yaml(text, file, problems)
    if document.broken:
        return None, document
    try:
        return Layout.model_validate(document.data), document
    except ValidationError as error:
        for one in error.errors(include_url=False):
            path = ".".join(str(part) for part in one["loc"]) or file
            found = {
                "missing": "missing",
                "extra_forbidden": "not a key of this file",
                "string_type": "expected text: put it in quotes",
            }.get(one["type"], one["msg"].removeprefix("Value error, "))
            place = document.place(*one["loc"])
            problems.append(
                Problem(f"{path}: {found}", _SCHEMA, place if place.line else Place(file, 1), cause="layout-shape")
            )
        return None, document


@dataclass(frozen=True)
class Measurement:
    """What was measured on a host: processors as the kernel counts them, memory in bytes, GPUs by type and model."""

    name: str
    vcores: int
    memory: int
    gpu_type: str | None = None
    gpu_model: str | None = None
    gpu_count: int = 0


def measurement_of(node: NodeResources) -> Measurement:
    """A node's allocatable resources as a measurement: whole processors, as Kubernetes keeps a fraction of one back."""
    count = node.gpu_count
    return Measurement(
        node.name, math.ceil(node.cpu), int(node.memory), node.gpu_type if count else None, node.gpu_model, count
    )


def build_layout(cluster: Cluster, measurements: Iterable[Measurement]) -> Layout:
    """The layout of `cluster` from what was measured: machines alike are one SKU, with the least memory among them.

    Raises ClusterError naming the hosts that were not measured.
    """
    found = {measurement.name: measurement for measurement in measurements}
    hosts = [*cluster.masters[:1], *cluster.workers]
    absent = [host for host in hosts if host.name not in found]
    if absent:
        raise ClusterError(
            *(
                Problem(
                    f"{host.name} was not measured",
                    f"measure it, or write {LAYOUT}",
                    Place(f"{host.role}.csv"),
                    cause="not-measured",
                )
                for host in absent
            )
        )
    skus: dict[str, dict[str, Any]] = {}
    kinds: dict[str, str] = {}
    for members in _machine_kinds(hosts, found):
        first = found[members[0].name]
        memory = min(found[host.name].memory for host in members)
        name = _unused_name(_sku_name(members[0], first), skus)
        skus[name] = {"mem": f"{memory // MIB}Mi", "cpu": {"vcore": first.vcores}}
        if first.gpu_type:
            model = first.gpu_model or "generic"
            skus[name]["computing-device"] = {"type": first.gpu_type, "model": model, "count": first.gpu_count}
        kinds.update({host.name: name for host in members})
    machines = [
        {
            "hostname": host.name,
            "hostip": host.address,
            "machine-type": kinds[host.name],
            "pai-master" if host.role is Role.MASTER else "pai-worker": "true",
        }
        for host in hosts
    ]
    return Layout.model_validate({"machine-sku": skus, "machine-list": machines})


def _machine_kinds(hosts: list[Host], found: dict[str, Measurement]) -> Iterator[list[Host]]:
    """The hosts in groups of one role, one hardware, and memory that differs by little; in the order of the hosts."""
    groups: dict[tuple[Any, ...], list[list[Host]]] = {}
    for host in sorted(hosts, key=lambda host: found[host.name].memory):
        one = found[host.name]
        same = groups.setdefault((host.role, one.vcores, one.gpu_type, one.gpu_model, one.gpu_count), [])
        if not same or found[same[-1][0].name].memory < one.memory * _SAME_MEMORY:
            same.append([])
        same[-1].append(host)
    order = {host.name: index for index, host in enumerate(hosts)}
    members = [sorted(group, key=lambda host: order[host.name]) for same in groups.values() for group in same]
    yield from sorted(members, key=lambda group: order[group[0].name])


def _sku_name(host: Host, one: Measurement) -> str:
    """A name that says what the machine is; no dots, which separate HiveD's cell types."""
    if host.role is Role.MASTER:
        return "master"
    if not one.gpu_type:
        return f"cpu-{one.vcores}"
    model = re.sub(r"[^a-z0-9]+", "-", (one.gpu_model or "gpu").lower()).strip("-") or "gpu"
    return f"{model}-x{one.gpu_count}"


def _unused_name(name: str, taken: Iterable[str]) -> str:
    number = 2
    while name in taken:
        name = f"{re.sub('-v[0-9]+$', '', name)}-v{number}"
        number += 1
    return name
