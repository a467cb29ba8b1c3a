"""layout.yaml: what can be wrong with it, and the one that is built from measured hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Config, load
from cluster.openpai import Layout, Measurement, build_layout, measured_layout
from tests.unit.cluster_folder import C, L, M, W, assert_lines, lines_of, write

LAYOUT = """\
machine-sku:
  big: {mem: 60Gi, cpu: {vcore: 24}}
  gpu: {mem: 220Gi, cpu: {vcore: 24}, computing-device: {type: nvidia.com/gpu, model: K80, count: 4}}
machine-list:
  - {hostname: m, hostip: 10.1.0.1, machine-type: big, pai-master: "true"}
  - {hostname: w, hostip: 10.0.0.1, machine-type: gpu, pai-worker: "true"}
"""
V18 = {M: "m,10.1.0.1\n", W: "w,10.0.0.1\n", C: "user: paiadmin\ndocker_image_tag: v1.8.0\n"}

# name of the case -> (what to replace, by what, beginnings of the lines that check prints)
LAYOUTS: dict[str, tuple[str, str, list[str]]] = {
    "no SKU": ("machine-type: gpu", "machine-type: none", [f"{L}:6: w: machine-type 'none' is not in machine-sku"]),
    "unknown key": ("vcore: 24}, c", "vcore: 24, x: 1}, c", [f"{L}:3: machine-sku.gpu.cpu.x: not a key of this file"]),
    "nodename": ("{hostname: w,", "{nodename: w, hostname: w,", [f"{L}:6: machine-list.1.nodename: not a key of this"]),
    "number for text": (
        "model: K80",
        "model: 3090",
        [f"{L}:3: machine-sku.gpu.computing-device.model: expected text: put"],
    ),
    "not a quantity": ("mem: 220Gi", "mem: 220GB", [f"{L}:3: machine-sku.gpu.mem: expected a Kubernetes quantity"]),
    "boolean flag": ('pai-worker: "true"', "pai-worker: true", [f"{L}:6: machine-list.1.pai-worker: "]),
    "other address": (
        "hostip: 10.0.0.1",
        "hostip: 10.0.0.9",
        [f"{L}:6: w has the address 10.0.0.1 in {W}:1; make the"],
    ),
    "other role": ('pai-worker: "true"', 'pai-master: "true"', [f'{L}:6: w is in {W}:1; set pai-worker: "true"']),
    "not in the CSV": (
        "hostname: w",
        "hostname: x",
        [f"{L}:6: x is in no CSV file", f"{W}:1: w is not in {L}; add it"],
    ),
    "missing list": (
        "machine-list:",
        "machines:",
        [f"{L}:1: machine-list: missing", f"{L}:4: machines: not a key of this"],
    ),
    "not YAML": ("machine-list:", "machine-list: [", [f"{L}:"]),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_layout(case: str, tmp_path: Path) -> None:
    old, new, expected = LAYOUTS[case]
    assert old in LAYOUT
    assert_lines(lines_of(write(tmp_path, V18 | {L: LAYOUT.replace(old, new)})), expected)


def test_good_layout(tmp_path: Path) -> None:
    assert lines_of(write(tmp_path, V18 | {L: LAYOUT})) == []


def test_two_kinds_of_device_need_hived(tmp_path: Path) -> None:
    text = LAYOUT.replace(
        "gpu: {mem",
        "amd: {mem: 1Gi, cpu: {vcore: 1}, computing-device: {type: amd.com/gpu, model: M, count: 1}}\n  gpu: {mem",
    )
    text += '  - {hostname: v, hostip: 10.0.0.2, machine-type: amd, pai-worker: "true"}\n'
    config = str(V18[C]) + "enable_hived_scheduler: false\n"
    found = lines_of(write(tmp_path, V18 | {W: "w,10.0.0.1\nv,10.0.0.2\n", C: config, L: text}))
    assert_lines(found, [f"{L}:1: 2 types of computing device without HiveD"])


GIB = 1 << 30
MASTER = Measurement("m", 24, 64 * GIB)
GPU: dict[str, Any] = {"gpu_type": "nvidia.com/gpu", "gpu_model": "Tesla V100-SXM2-32GB", "gpu_count": 4}


def built(folder: Path, *workers: Measurement) -> Layout:
    rows = "".join(f"{worker.name},10.0.0.{number}\n" for number, worker in enumerate(workers, 1))
    return build_layout(load(write(folder, V18 | {W: rows})), [MASTER, *workers])


def test_hosts_alike_are_one_sku_with_the_least_memory(tmp_path: Path) -> None:
    layout = built(tmp_path, *(Measurement(f"w{n}", 48, 256 * GIB - n * GIB, **GPU) for n in range(1, 4)))
    assert list(layout.skus) == ["master", "tesla-v100-sxm2-32gb-x4"]
    sku = layout.skus["tesla-v100-sxm2-32gb-x4"]
    assert (sku.mem, sku.cpu.vcore) == (f"{253 * 1024}Mi", 48)
    assert sku.device and sku.device.model_dump() == {
        "type": "nvidia.com/gpu",
        "model": "Tesla V100-SXM2-32GB",
        "count": 4,
    }
    assert [(machine.hostname, machine.master, machine.worker) for machine in layout.machines] == [
        ("m", "true", "false"),
        *((f"w{n}", "false", "true") for n in range(1, 4)),
    ]


def test_hosts_that_differ_are_skus_of_their_own(tmp_path: Path) -> None:
    layout = built(
        tmp_path,
        Measurement("a", 48, 256 * GIB, **GPU),
        Measurement("b", 48, 256 * GIB, **GPU | {"gpu_count": 8}),
        Measurement("c", 48, 128 * GIB, **GPU),
        Measurement("d", 24, 256 * GIB, **GPU),
        Measurement("e", 48, 256 * GIB, "nvidia.com/gpu", None, 4),
        Measurement("f", 48, 256 * GIB),
    )
    v100 = "tesla-v100-sxm2-32gb"
    assert [machine.sku for machine in layout.machines] == [
        *("master", f"{v100}-x4", f"{v100}-x8", f"{v100}-x4-v2", f"{v100}-x4-v3", "gpu-x4", "cpu-48"),
    ]


def test_what_is_built_passes_upstreams_schema(tmp_path: Path) -> None:
    layout = built(tmp_path, Measurement("w", 48, 256 * GIB, **GPU))
    text = measured_layout(layout, Config.model_validate({"user": "a"}))
    assert lines_of(write(tmp_path, {L: text} | {W: "w,10.0.0.1\n", M: V18[M], C: V18[C]})) == []
    assert yaml.safe_load(text)["machine-list"][0] == {
        "hostname": "m",
        "hostip": "10.1.0.1",
        "machine-type": "master",
        "pai-master": "true",
    }


def test_many_workers_of_unequal_memory_keep_their_order(tmp_path: Path) -> None:
    workers = [Measurement(f"w{n}", 48, (200 + n * 37 % 60) * GIB, **GPU) for n in range(200)]
    layout = built(tmp_path, *workers)
    assert [machine.hostname for machine in layout.machines] == ["m", *(worker.name for worker in workers)]
    for worker, machine in zip(workers, layout.machines[1:], strict=True):
        memory = int(layout.skus[machine.sku].mem.removesuffix("Mi")) << 20
        assert 0.95 * worker.memory <= memory <= worker.memory
