"""What the nodes of a cluster have to give: the JSON of `render --resources`, read into typed values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cluster.kubernetes import parse_quantity
from cluster.problems import ClusterError, Place, Problem, quoted

# The device types that OpenPAI knows, the one that wins first (upstream's openpai-generator.py).
GPU_TYPES = ("amd.com/gpu", "nvidia.com/gpu", "enflame.com/dtu")
_SHAPE = '{"nodes": {"openpai-001": {"cpu": "23900m", "memory": "230000000Ki", "nvidia.com/gpu": "4"}}}'


@dataclass(frozen=True)
class NodeResources:
    """A node's allocatable resources, and what running pods have requested of them."""

    name: str
    cpu: Decimal  # cores
    memory: Decimal  # bytes
    gpu_type: str | None = None
    gpu_count: int = 0
    gpu_model: str | None = None
    requested_cpu: Decimal = Decimal(0)
    requested_memory: Decimal = Decimal(0)


Resources = dict[str, NodeResources]
# A node whose memory differs by less than this share is as it was: no more than what HiveD's figures keep back.
_SAME_MEMORY = Decimal("0.01")


def parse_resources(text: str, file: str) -> Resources:
    """The nodes in `text`, in its order. Raises ClusterError naming `file` and line.

    Shape: {"nodes": {NAME: {"cpu", "memory", DEVICE TYPE: COUNT, "gpu_model"}}, "pods": [{"node", "requests"}]}, with
    quantities as Kubernetes writes them; gpu_model and pods are optional, other fields are left alone.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        found = f"column {error.colno}: not JSON: {error.msg}"
        raise ClusterError(
            Problem(found, f"write {_SHAPE}", Place(file, error.lineno), cause="resources-file")
        ) from None
    except RecursionError:
        raise ClusterError(
            Problem("nested too deeply", f"write {_SHAPE}", Place(file, 1), cause="resources-file")
        ) from None
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), dict) or not data["nodes"]:
        raise ClusterError(Problem("no map `nodes`", f"write {_SHAPE}", Place(file, 1), cause="resources-file"))
    problems: list[Problem] = []
    requested = _requests(data.get("pods", []), file, problems)
    nodes: Resources = {}
    for name, fields in data["nodes"].items():
        try:
            nodes[name] = _node(name, fields, *requested.get(name, (Decimal(0), Decimal(0))))
        except ValueError as error:
            line = text[: max(text.find(json.dumps(name)), 0)].count("\n") + 1
            problems.append(
                Problem(f"{quoted(name)}: {error}", f"write {_SHAPE}", Place(file, line), cause="resources-file")
            )
    if problems:
        raise ClusterError(*problems)
    return nodes


def keep_measured(before: str, now: str, file: str) -> str:
    """`now`, but for each node that has what it had `before`: for that, what was measured then.

    Both are texts that parse_resources takes; `before` itself is returned where every node is as it was. What jobs can
    have is reckoned from what pods request, and OpenPAI's own pods and running jobs would change it from run to run.
    Raises ClusterError where either cannot be read.
    """
    then, found = parse_resources(before, file), parse_resources(now, file)
    same = {name for name, node in found.items() if name in then and _is_as_it_was(then[name], node)}
    if same == then.keys() == found.keys():
        return before
    old, new = json.loads(before), json.loads(now)
    nodes = {name: (old if name in same else new)["nodes"][name] for name in found}
    pods = [pod for pod in old.get("pods", []) if pod["node"] in same]
    pods += [pod for pod in new.get("pods", []) if pod["node"] not in same]
    return json.dumps({"nodes": nodes, "pods": pods}, indent=1)


def _is_as_it_was(before: NodeResources, now: NodeResources) -> bool:
    """The same processors and devices, and the memory but for what a kernel keeps back now and then."""
    devices = (before.cpu, before.gpu_type, before.gpu_count) == (now.cpu, now.gpu_type, now.gpu_count)
    return devices and abs(before.memory - now.memory) <= before.memory * _SAME_MEMORY


def _node(name: str, fields: Any, requested_cpu: Decimal, requested_memory: Decimal) -> NodeResources:
    if not isinstance(fields, Mapping):
        raise ValueError("expected a map of resources")
    counts = {kind: int(_quantity(fields, kind)) for kind in GPU_TYPES if kind in fields}
    gpu_type = next(iter(counts), None)
    model = fields.get("gpu_model")
    if model is not None and not isinstance(model, str):
        raise ValueError("gpu_model: expected text")
    return NodeResources(
        name,
        _quantity(fields, "cpu"),
        _quantity(fields, "memory"),
        gpu_type,
        counts[gpu_type] if gpu_type else 0,
        model,
        requested_cpu,
        requested_memory,
    )


def _quantity(fields: Mapping[str, Any], name: str, default: str | None = None) -> Decimal:
    value = fields.get(name, default)
    if value is None:
        raise ValueError(f"{name}: missing")
    try:
        return parse_quantity(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _requests(pods: Any, file: str, problems: list[Problem]) -> dict[str, tuple[Decimal, Decimal]]:
    """The processors and memory that pods request, by node."""
    requested: dict[str, tuple[Decimal, Decimal]] = {}
    for index, pod in enumerate(pods if isinstance(pods, list) else [pods], 1):
        try:
            wanted = pod.get("requests") or {}
            cpu, memory = requested.get(str(pod.get("node")), (Decimal(0), Decimal(0)))
            requested[str(pod.get("node"))] = (
                cpu + _quantity(wanted, "cpu", "0"),
                memory + _quantity(wanted, "memory", "0"),
            )
        except (AttributeError, ValueError) as error:
            found = str(error) if isinstance(error, ValueError) else "expected a map with node and requests"
            problems.append(
                Problem(
                    f"pod {index}: {found}", "correct it, or leave pods out", Place(file, 1), cause="resources-file"
                )
            )
    return requested
