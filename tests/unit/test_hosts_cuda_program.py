"""The verification's CUDA program, on this machine with a libcuda of the lab's making."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hosts import cuda_program

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("gcc"),
    reason="the program is x86-64's; a libcuda takes a compiler",
)


def said(folder: Path, libcuda: str | None) -> tuple[int, str, str]:
    """Exit status and words of the program, beside a libcuda of that C source."""
    if libcuda is not None:
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            "-Wl,-soname,libcuda.so.1",
            "-o",
            f"{folder}/libcuda.so.1",
            "-x",
            "c",
            "-",
        ]
        subprocess.run(command, input=libcuda, text=True, check=True)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
    done = subprocess.run(
        cuda_program.command(), env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    return done.returncode, done.stdout, done.stderr


def test_the_program_says_what_cuda_answers(tmp_path: Path) -> None:
    well = "int cuInit(unsigned flags) { return flags; } int cuDeviceGetCount(int *count) { *count = 8; return 0; }"
    assert said(tmp_path, well) == (0, "cuInit 0, 8 GPUs\n", "")
    assert said(tmp_path, well.replace("return flags;", "return 802;")) == (1, "cuInit 802, 0 GPUs\n", "")
    assert said(tmp_path, well.replace("return 0;", "return 3;"))[:2] == (1, "cuInit 3, 8 GPUs\n")


def test_the_program_without_the_drivers_library(tmp_path: Path) -> None:
    status, out, err = said(tmp_path, None)
    assert (status, out) == (127, "") and "libcuda.so.1: cannot open shared object file" in err
