"""The lab's OCI runtime shim, with and without the capability that some machines cannot grant."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import docker_packages

# Bit 24 of a capability set.
SYS_RESOURCE = 1 << 24


@pytest.fixture
def runtime(tmp_path):
    """The runtime shim before a stand-in for runc that prints its arguments, told what the machine grants."""
    real = tmp_path / "runc.real"
    real.write_text('#!/bin/sh\necho "$@"\n')
    shim = tmp_path / "runc"
    source = (Path(docker_packages.__file__).parent / "docker/runc").read_text()
    status = tmp_path / "status"
    shim.write_text(
        source.replace("/usr/libexec/openpai-lab/runc", str(real)).replace("/proc/self/status", str(status))
    )
    for path in (real, shim):
        path.chmod(0o755)
    (tmp_path / "config.json").write_text(
        '{"process":{"capabilities":{"bounding":["CAP_KILL","CAP_SYS_RESOURCE","CAP_CHOWN"],'
        '"effective":["CAP_SYS_RESOURCE"],"permitted":["CAP_KILL","CAP_SYS_RESOURCE"]},"oomScoreAdj":-500}}'
    )

    def call(*arguments: str, bounding: int = ~SYS_RESOURCE) -> subprocess.CompletedProcess[str]:
        status.write_text(f"CapBnd:\t{bounding & (1 << 41) - 1:016x}\n")
        return subprocess.run([shim, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)

    return call, tmp_path / "config.json"


BARE = (
    '{"process":{"capabilities":{"bounding":["CAP_KILL","CAP_CHOWN"],"effective":[],"permitted":["CAP_KILL"]},'
    '"oomScoreAdj":0}}'
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--root", "/run/x", "create", "--bundle", "FOLDER", "id"],
        ["create", "--bundle=FOLDER", "id"],
        ["run", "-b", "FOLDER", "id"],
        ["create", "id"],
        ["exec", "--process", "FOLDER/config.json", "id"],
        ["exec", "-p", "FOLDER/config.json", "-d", "id"],
    ],
)
def test_the_runtime_shim_takes_out_what_the_machine_cannot_grant(runtime, arguments):
    call, config = runtime
    given = [word.replace("FOLDER", str(config.parent)) for word in arguments]
    assert call(*given).stdout.split() == given
    assert config.read_text() == BARE


def test_the_runtime_shim_leaves_other_commands_alone(runtime):
    call, config = runtime
    before = config.read_text()
    call("--root", "/run/x", "state", "create")
    assert config.read_text() == before


def test_the_runtime_shim_does_nothing_where_the_machine_grants_all(runtime):
    call, config = runtime
    before = config.read_text()
    call("create", "id", bounding=~0)
    assert config.read_text() == before
