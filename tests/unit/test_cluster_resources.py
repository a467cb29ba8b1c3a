"""The JSON of `render --resources`, and Kubernetes quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cluster import ClusterError
from cluster.kubernetes import parse_quantity
from cluster.openpai import parse_resources
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
