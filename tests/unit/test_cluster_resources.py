"""The JSON of `render --resources`, and Kubernetes quantities."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from cluster import ClusterError
from cluster.kubernetes import parse_quantity
from cluster.openpai import keep_measured, parse_resources
from tests.unit.cluster_folder import assert_lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "n:1: column 2: not JSON: "),
        ("[]", "n:1: no map `nodes`; write"),
        ('{"nodes": {}}', "n:1: no map `nodes`; write"),
        ('{"nodes":\n {"a": 1}}', "n:2: 'a': expected a map of resources; write"),
        ('{"nodes": {"a": {"memory": "1Gi"}}}', "n:1: 'a': cpu: missing; write"),
        ('{"nodes": {"a": {"cpu": "-1", "memory": "1Gi"}}}', "n:1: 'a': cpu: expected a Kubernetes quantity"),
        ('{"nodes": {"a": {"cpu": true, "memory": "1Gi"}}}', "n:1: 'a': cpu: expected a Kubernetes quantity"),
        ('{"nodes": {"a": {"cpu": "1", "memory": "1GB"}}}', "n:1: 'a': memory: expected a Kubernetes quantity"),
        ('{"nodes": {"a": {"cpu": "1", "memory": "1", "gpu_model": 3}}}', "n:1: 'a': gpu_model: expected text"),
        (
            '{"nodes": {"a": {"cpu": "1", "memory": "1"}}, "pods": [1]}',
            "n:1: pod 1: expected a map with node and requests",
        ),
        ("[" * 100000, "n:1: nested too deeply; write"),
    ],
)
def test_resources_that_cannot_be_read(text: str, line: str) -> None:
    with pytest.raises(ClusterError) as error:
        parse_resources(text, "n")
    assert_lines(str(error.value).split("\n"), [line])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("23900m", "23.9"),
        ("1Ki", 1024),
        ("2Gi", 2 << 30),
        ("1.5k", 1500),
        ("1e3", 1000),
        ("5E", 5 * 10**18),
        (".5", "0.5"),
    ],
)
def test_quantities(text: str, value: int | str) -> None:
    assert parse_quantity(text) == Decimal(value)


def test_requests_of_pods_are_added_up() -> None:
    pod = '{"node": "a", "requests": {"cpu": "100m", "memory": "1Mi"}}'
    text = f'{{"nodes": {{"a": {{"cpu": "1", "memory": "1Gi"}}}}, "pods": [{pod}, {pod}, {{"node": "b"}}]}}'
    node = parse_resources(text, "n")["a"]
    assert (node.requested_cpu, node.requested_memory) == (Decimal("0.2"), 2 << 20)


def measured(requests: str = "100m", **nodes: dict[str, str]) -> str:
    pods = [{"node": name, "requests": {"cpu": requests}} for name in nodes]
    return json.dumps({"nodes": nodes, "pods": pods})


A: dict[str, Any] = {"cpu": "24", "memory": "230000000Ki", "nvidia.com/gpu": "4", "gpu_model": "V100"}
B: dict[str, Any] = {"cpu": "8", "memory": "60000000Ki"}


def test_hardware_as_it_was_keeps_what_was_measured_first() -> None:
    before = measured(a=A, b=B)
    a = {name: value for name, value in A.items() if name != "gpu_model"}  # which only its first look asks for
    assert keep_measured(before, measured("20", a=a | {"memory": "229000000Ki"}, b=B), "n") == before


def test_only_nodes_that_differ_are_measured_anew() -> None:
    """A worker joins, one leaves and one gets a GPU more while jobs run on all of them."""
    before = measured(a=A, b=B, c=A, d=A)
    a = A | {"gpu_model": "A100"}
    now = measured("20", a=a, c=A | {"nvidia.com/gpu": "5"}, d=A | {"memory": "200000000Ki"}, e=A)
    nodes = parse_resources(keep_measured(before, now, "n"), "n")
    assert list(nodes) == ["a", "c", "d", "e"]
    assert {name: str(node.requested_cpu) for name, node in nodes.items()} == {
        "a": "0.100",
        "c": "20",
        "d": "20",
        "e": "20",
    }
    assert (nodes["a"].gpu_model, nodes["c"].gpu_count) == ("V100", 5)


def test_a_note_that_cannot_be_read_is_said() -> None:
    with pytest.raises(ClusterError, match=r"measured.json:1: column 2: not JSON"):
        keep_measured("{", measured(a=A), "measured.json")
