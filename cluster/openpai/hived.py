"""HiveD's configuration as upstream's generators compute it from what the nodes have to give.

v1.0 to v1.4 make one pool of all workers, cut to the smallest of them; from v1.5 on every SKU of layout.yaml is a pool.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cluster.kubernetes import MIB
from cluster.openpai.layout import LAYOUT, Layout
from cluster.openpai.resources import NodeResources, Resources
from cluster.problems import WARNING, ClusterError, Place, Problem
from cluster.versions import Version

# What upstream's generator keeps back on each node from v1.2.0 on: a hundredth, of processors half a core at most, of
# memory 1024 MiB at most (openpai-generator.py, PAI_RESERVE_RESOURCE_PERCENTAGE: a binary 0.01, kept as such).
_RESERVED = Decimal.from_float(0.01)
_RESERVED_CPU = Decimal("0.5")
_RESERVED_MIB = Decimal(1024)
# Memory that node-exporter, job-exporter and log-manager request where qos-switch is on, as that generator finds it in
# their deployments (128 + 512 + 128 MiB in every version; no processors).
_DAEMONS_MIB = Decimal(768)
_OLD_GPU_TYPES = ("amd.com/gpu", "nvidia.com/gpu")  # all that v1.0 to v1.4 look for
HIVED_FIX = "give the machines more processors, or let Kubernetes schedule: enable_hived_scheduler: false (v1.5.0 on)"
_MEASURE = "measure them all, or correct the names"


@dataclass(frozen=True)
class Pool:
    """A pool of machines alike: what one of its cells (a GPU, or a core where there are none) stands for."""

    sku: str
    gpu: bool
    cpu: int  # cores of a cell with a GPU, of the whole machine without
    memory: int  # MiB of a cell
    cells: int  # in a machine
    workers: Sequence[str]


def single_pool(
    workers: Iterable[str], nodes: Resources, version: Version, qos: bool, place: Place
) -> tuple[Pool, list[Problem]]:
    """The pool of v1.0 to v1.4, and warnings of what it leaves out.

    Raises ClusterError; `place` is where `nodes` are from.
    """
    wanted = list(workers)
    members = [node for node in nodes.values() if node.name in set(wanted)]
    found = f"is not among the nodes: OpenPAI {version} leaves it out"
    warnings = [
        Problem(f"{name} {found}", _MEASURE, place, WARNING, cause="not-measured")
        for name in wanted
        if name not in nodes
    ]
    if not members:
        raise ClusterError(Problem("no worker is among the nodes", _MEASURE, place, cause="not-measured"))
    without = [node for node in members if not node.gpu_count or node.gpu_type not in _OLD_GPU_TYPES]
    if without:
        found = f"has no GPU to schedule: OpenPAI {version} takes no such worker"
        fix = "remove it from worker.csv, or repair its device plugin"
        raise ClusterError(
            *(Problem(f"{node.name} {found}", fix, place, cause="worker-without-gpu") for node in without)
        )
    left = [_left_for_jobs(node, version, qos, place) for node in members]
    gpus = min(node.gpu_count for node in members)
    cpu, memory = min(cpu for cpu, _ in left), min(memory for _, memory in left)
    for node in members:
        if node.gpu_count > gpus:
            found = f"{node.name} has {node.gpu_count} GPUs, OpenPAI {version} schedules {gpus}, the fewest of all"
            fix = "install v1.5.0 or later for workers of different kinds"
            warnings.append(Problem(found, fix, place, WARNING, cause="gpus-equal"))
    names = [node.name for node in members]
    return Pool("DT", True, _whole(cpu, gpus, names, place), int(memory / gpus), gpus, names), warnings


def pools_by_sku(
    layout: Layout, nodes: Resources, version: Version, qos: bool, place: Place
) -> tuple[list[Pool], list[Problem]]:
    """The pools of v1.5.0 on, one for each SKU with workers, and warnings where the layout and the nodes differ.

    Raises ClusterError; `place` is where `nodes` are from.
    """
    members: dict[str, list[str]] = {}
    for machine in layout.workers:
        members.setdefault(machine.sku, []).append(machine.hostname)
    absent = [machine.hostname for machine in layout.workers if machine.hostname not in nodes]
    if absent:
        raise ClusterError(
            *(Problem(f"{name} is not among the nodes", _MEASURE, place, cause="not-measured") for name in absent)
        )
    made, warnings = [], []
    for sku, names in members.items():
        device = layout.skus[sku].device
        left = [_left_for_jobs(nodes[name], version, qos, place) for name in names]
        cpu, memory = min(cpu for cpu, _ in left), min(memory for _, memory in left)
        if device:
            each = _whole(cpu, device.count, names, place)
            made.append(Pool(sku, True, each, int(memory / device.count), device.count, names))
        elif cpu < 1:
            raise ClusterError(
                Problem(f"SKU {sku}: less than one core is free", "free some", place, cause="no-room-for-jobs")
            )
        else:
            made.append(Pool(sku, False, int(cpu), int(memory / cpu), int(cpu), names))
        count = device.count if device else 0
        for name in names:
            if nodes[name].gpu_count != count:
                found = f"{name} has {nodes[name].gpu_count} GPUs, its SKU {sku} has {count}"
                fix = "correct the layout, or repair the machine"
                warnings.append(Problem(found, fix, Place(LAYOUT), WARNING, cause="layout"))
    return made, warnings


def _whole(cpu: Decimal, gpus: int, workers: Sequence[str], place: Place) -> int:
    """The whole cores of a GPU. Raises ClusterError where there is none: rest-server would refuse every job."""
    if cpu < gpus:
        found = f"{', '.join(workers)}: {cpu:.2f} cores are free for {gpus} GPUs, and HiveD gives each GPU whole ones"
        raise ClusterError(Problem(found, HIVED_FIX, place, cause="openpai-processors"))
    return int(cpu / gpus)


def free_cores(cores: Decimal, version: Version) -> Decimal:
    """The most cores that jobs can have of a machine, where no pod requests any."""
    return cores if version < Version(1, 2, 0) else cores - min(cores * _RESERVED, _RESERVED_CPU)


def _left_for_jobs(node: NodeResources, version: Version, qos: bool, place: Place) -> tuple[Decimal, Decimal]:
    """Cores and MiB of `node` that jobs can have, as the version's generator counts them."""
    memory = node.memory / MIB
    if version < Version(1, 2, 0):
        return Decimal(int(node.cpu)), Decimal(int(memory))
    cpu_left = free_cores(node.cpu, version) - node.requested_cpu
    memory_left = memory - node.requested_memory / MIB - min(memory * _RESERVED, _RESERVED_MIB)
    memory_left -= _DAEMONS_MIB if qos else 0
    if cpu_left <= 0 or memory_left <= 0:
        found = f"{node.name} has nothing left for jobs: {cpu_left:.2f} cores and {memory_left:.0f} MiB"
        raise ClusterError(Problem(found, "give it more, or remove what runs there", place, cause="no-room-for-jobs"))
    return cpu_left, memory_left
