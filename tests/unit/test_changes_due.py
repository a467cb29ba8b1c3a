"""What is due on a node that disturbs its pods: told from its state alone, and never what disturbs nobody."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import Config
from tasks.apt import Package
from tasks.docker import changes_due as of_docker
from tasks.docker.facts import DockerDaemon
from tasks.gpu import changes_due as of_gpu
from tasks.gpu.facts.driver import DriverState
from tasks.gpu.facts.kernels import Kernels

ENGINE = {"docker-ce": "5:20.10.5~3-0", "docker-ce-cli": "5:20.10.5~3-0", "containerd.io": "1.6.1-1"}
RUNNING = DriverState(kernel="6.1.0", loaded="535.1.2", installed="535.1.2", bus=("0",), kernels=Kernels(next="6.1.0"))


def config(**keys: Any) -> Config:
    """A config with these keys."""
    return Config(user="paiadmin", **keys)


def packages(found: dict[str, str | None]) -> dict[str, Package]:
    """What dpkg knows."""
    return {name: Package(version, True) for name, version in found.items()}


@pytest.mark.parametrize(
    ("found", "wanted", "due"),
    [
        (ENGINE, None, []),
        (ENGINE, "20.10", []),
        (ENGINE, "20.10.24", ["docker-ce 20.10.5 must become 20.10.24"]),
        ({**ENGINE, "docker-ce": "5:20.10.24"}, "20.10.24", ["docker-ce-cli 20.10.5 must become 20.10.24"]),
        ({**ENGINE, "containerd.io": None}, "20.10", ["containerd.io is not installed"]),
        ({}, None, ["docker-ce is not installed"]),
    ],
)
def test_dockers_packages(found, wanted, due):
    assert of_docker.of_packages(packages(found), config(docker_version=wanted)) == due


def daemon(**changed: Any) -> DockerDaemon:
    """A daemon that has read its files."""
    base: dict[str, Any] = {
        "active": True, "invocation": "a", "file": '{"data-root": "/d"}', "units_digest": "u",
        "applied": {"invocation": "a", "config": {"data-root": "/d"}, "units": "u"},
    }  # fmt: skip
    return DockerDaemon(**{**base, **changed})


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ({}, False),
        ({"file": '{"data-root": "/other"}'}, True),
        ({"file": '{"data-root": "/d", "live-restore": true}'}, False),
        ({"units_digest": "other"}, True),
        ({"file": "{"}, False),
        ({"active": False, "file": '{"data-root": "/other"}'}, False),
    ],
    ids=["settled", "restart", "a reload will do", "unit", "not valid", "down"],
)
def test_a_restart_of_docker(changed, due):
    assert bool(of_docker.of_daemon(daemon(**changed))) is due


def driver(**changed: Any) -> DriverState:
    """A driver that is installed and loaded, changed so."""
    return DriverState(**{**vars(RUNNING), **changed})


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (driver(), []),
        (driver(nouveau=True), ["nouveau is loaded"]),
        (driver(loaded="525.1.1", installed="525.1.1"), ["driver 525.1.1 must become 535"]),
        (driver(broken_off=True), ["driver 535.1.2, whose installation broke off, must become 535"]),
        (driver(loaded="525.1.1", recorded="535.1.2"), ["driver 535.1.2 is installed but 525.1.1 is loaded"]),
    ],
    ids=["well", "nouveau", "another version", "broken off", "awaits its reboot"],
)
def test_the_driver(state, due):
    assert of_gpu.of_driver(state, config(nvidia_driver="apt", nvidia_driver_version="535")) == due


@pytest.mark.parametrize(
    ("versions", "wanted", "due"),
    [
        (["1.17.8-1"] * 4, None, []),
        (["1.17.7-1"] * 4, "1.17.7", []),
        (["1.17.7-1"] * 4, None, ["nvidia-container-toolkit 1.17.7-1 must become a safe one"]),
        (["1.17.8-1"] * 3 + ["1.17.7-1"], "1.17.8", ["libnvidia-container1 1.17.7-1 must become 1.17.8"]),
        ([None] * 4, None, ["nvidia-container-toolkit none must become a safe one"]),
    ],
)
def test_the_toolkit(versions, wanted, due):
    found = packages(dict(zip(of_gpu.TOOLKIT, versions, strict=True)))
    assert of_gpu.of_toolkit(found, config(nvidia_toolkit_version=wanted)) == due


@pytest.mark.parametrize(
    ("changed", "source", "due"),
    [
        ({}, "apt", False),
        ({"kernels": Kernels(next="")}, "apt", False),
        ({"kernels": Kernels(next="6.2.0"), "next_module": "535.1.2"}, "apt", True),
        ({"kernels": Kernels(next="6.2.0"), "next_module": None}, "preinstalled", False),
        ({"kernels": Kernels(next="6.2.0"), "next_module": None}, "runfile", True),
        ({"kernels": Kernels(next="6.2.0"), "installed": None, "loaded": None}, "preinstalled", True),
    ],
    ids=["runs", "unknown", "has the driver", "lacks it", "the runfile follows", "a master"],
)
def test_a_kernel_that_lacks_the_driver_is_not_booted(changed, source, due):
    assert bool(of_gpu.of_kernel(driver(**changed), config(nvidia_driver=source))) is due
