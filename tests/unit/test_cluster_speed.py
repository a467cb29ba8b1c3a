"""A cluster of 400 workers: `check` under one second, `render` under two. Processor time is measured, as a machine that
tests run on has other things to do too; neither command waits for anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.cluster_folder import C, M, W, write

ROOT = Path(__file__).parent.parent.parent


def seconds(*arguments: object) -> float:
    """Processor seconds of a successful `python -m cluster`, with the interpreter's own start."""
    command = [sys.executable, "-m", "cluster", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_400_workers(tmp_path: Path) -> None:
    names = [f"worker-{number:03}" for number in range(400)]
    rows = "".join(f"{name},10.0.{number // 200}.{number % 200 + 1}\n" for number, name in enumerate(names))
    config = "user: paiadmin\ndocker_image_tag: v1.8.0\n"
    folder = write(tmp_path / "c", {M: "m,10.1.0.1\n", W: rows, C: config})
    gpus = {"cpu": "23900m", "memory": "230000000Ki", "nvidia.com/gpu": "4", "gpu_model": "V100"}
    nodes = tmp_path / "nodes.json"
    nodes.write_text(json.dumps({"nodes": {"m": {"cpu": "8", "memory": "64Gi"}, **dict.fromkeys(names, gpus)}}))
    assert seconds("check", folder) < 1
    assert seconds("render", folder, "--output", tmp_path / "out", "--resources", nodes) < 2
