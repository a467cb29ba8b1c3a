"""layout.yaml: what can be wrong with it, and the one that is built from measured hardware."""

from __future__ import annotations

from pathlib import Path

import pytest

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
