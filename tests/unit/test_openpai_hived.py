"""HiveD's configuration from measured nodes: what is cut, left out or refused, and how that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cluster import ClusterError, load
from cluster.openpai import (
    hosts_yml,
)
from tests.unit.cluster_folder import W, assert_lines, write
from tests.unit.rendered import NODE, NODES, cluster, hived, services


def test_unequal_gpus_are_cut_to_the_fewest_and_that_is_said(tmp_path: Path) -> None:
    nodes = NODES | {"openpai-002": NODE | {"nvidia.com/gpu": "2"}}
    found, warnings = services(cluster(tmp_path), nodes)
    cells = yaml.safe_load(found["hivedscheduler"]["config"])["physicalCluster"]["cellTypes"]
    assert cells["DT-NODE"]["childCellNumber"] == 2
    assert_lines(
        warnings,
        [f"nodes.json: warning: openpai-00{n} has 4 GPUs, OpenPAI v1.0.1 schedules 2, the fewest" for n in (1, 3, 4)],
    )


def test_a_worker_without_gpu_stops_the_old_versions(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as error:
        services(cluster(tmp_path), NODES | {"openpai-003": NODE})
    assert_lines(
        str(error.value).split("\n"), ["nodes.json: openpai-003 has no GPU to schedule: OpenPAI v1.0.1 takes no"]
    )


def test_a_worker_that_is_no_node_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    nodes = {name: node for name, node in NODES.items() if name != "openpai-004"}
    found, warnings = services(cluster(tmp_path), nodes)
    assert "openpai-004" not in found["hivedscheduler"]["config"]
    assert_lines(warnings, ["nodes.json: warning: openpai-004 is not among the nodes: OpenPAI v1.0.1 leaves it out"])


def test_no_worker_is_a_node(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"nodes.json: no worker is among the nodes"):
        services(cluster(tmp_path), {"openpai-master-01": NODE})


def test_amd_wins_over_nvidia(tmp_path: Path) -> None:
    both = {name: node | {"amd.com/gpu": "2"} for name, node in NODES.items()}
    assert hived(cluster(tmp_path), both)["physicalCluster"]["cellTypes"]["DT-NODE"]["childCellNumber"] == 2


def test_workers_of_many_kinds_are_pools_of_their_own(tmp_path: Path) -> None:
    nodes = NODES | {"openpai-003": NODE, "openpai-004": NODE | {"nvidia.com/gpu": "8", "gpu_model": "A100"}}
    found = hived(cluster(tmp_path, docker_image_tag="v1.8.0"), nodes)
    skus = found["physicalCluster"]["skuTypes"]
    assert skus == {
        "gpu-x4": {"gpu": 1, "cpu": 5, "memory": "55896Mi"},
        "cpu-24": {"cpu": 1, "memory": "9449Mi"},
        "a100-x8": {"gpu": 1, "cpu": 2, "memory": "27948Mi"},
    }
    assert set(found["virtualClusters"]) == {"default", "vc1", "vc2"}


def test_without_hived_there_is_no_configuration_of_it(tmp_path: Path) -> None:
    assert (
        "hivedscheduler" not in services(cluster(tmp_path, docker_image_tag="v1.8.0", enable_hived_scheduler=False))[0]
    )


def test_a_node_that_has_nothing_left(tmp_path: Path) -> None:
    nodes = NODES | {"openpai-001": {"cpu": "0", "memory": "1Gi", "nvidia.com/gpu": "1"}}
    with pytest.raises(ClusterError, match=r"nodes.json: openpai-001 has nothing left for jobs: 0.00 cores"):
        services(cluster(tmp_path, docker_image_tag="v1.4.0"), nodes)


def test_a_host_that_was_not_measured(tmp_path: Path) -> None:
    nodes = {name: node for name, node in NODES.items() if name != "openpai-004"}
    with pytest.raises(
        ClusterError, match=r"worker.csv: openpai-004 was not measured; measure it, or write layout.yaml"
    ):
        services(cluster(tmp_path, docker_image_tag="v1.8.0"), nodes)


def test_the_order_of_nodes_is_the_order_of_cells(tmp_path: Path) -> None:
    nodes = dict(reversed(NODES.items()))
    (pool,) = hived(cluster(tmp_path), nodes)["physicalCluster"]["physicalCells"]
    assert [cell["cellAddress"] for cell in pool["cellChildren"]] == [f"openpai-00{n}" for n in (4, 3, 2, 1)]


def test_names_that_yaml_takes_for_numbers(tmp_path: Path) -> None:
    found = load(write(tmp_path, {W: "123,10.0.0.1\n1e3,10.0.0.2\nnull,10.0.0.3\n"}))
    assert set(yaml.safe_load(hosts_yml(found))["all"]["children"]["gpu"]["hosts"]) == {"123", "1e3", "null"}


def test_a_gpu_without_a_whole_processor_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """rest-server takes 0 for an SKU's processors and refuses every job."""
    nodes = {name: node | {"cpu": "4"} for name, node in NODES.items()}
    for tag in ("v1.4.1", "v1.8.0"):
        with pytest.raises(
            ClusterError, match=r"openpai-001.*: 3.96 cores are free for 4 GPUs.*; give the machines"
        ) as e:
            services(cluster(tmp_path, docker_image_tag=tag), nodes)
        assert "nodes.json: " in str(e.value)
    skus = hived(cluster(tmp_path, docker_image_tag="v1.0.0"), nodes)["physicalCluster"]["skuTypes"]
    assert skus["DT"]["cpu"] == 1  # before v1.2.0 nothing is kept back
    off = cluster(tmp_path, docker_image_tag="v1.8.0", enable_hived_scheduler=False)
    assert "hivedscheduler" not in services(off, nodes)[0]
