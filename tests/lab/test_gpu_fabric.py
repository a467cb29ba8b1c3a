"""GPUs joined by NVSwitches: CUDA starts only with the fabric manager of exactly the loaded driver."""

from __future__ import annotations

import shlex

import pytest

from lab.api import Lab
from lab.commands import Run
from lab.gpu import runfile
from lab.wait import wait_until
from tests.hosts import cuda_program
from tests.lab.boots import reboot
from tests.lab.harness import new_lab, out, pyinfra

STAGE = "tests/lab/driver_stage.py"
HGX = "openpai-001"
PREINSTALLED = {"nvidia_driver": "preinstalled", "nvidia_driver_version": None, "nvidia_driver_runfile": None}
INSTALLED = "dpkg-query -W -f '${Package} ${Version}' 'nvidia-fabricmanager-*'"


@pytest.fixture(scope="module")
def lab():
    """A worker of eight GPUs and four NVSwitches, with a driver and no fabric manager."""
    with new_lab("gpufab", workers=1, gpus={HGX: "nvswitch"}) as made:
        yield made


def run(lab: Lab, *arguments: str) -> Run:
    """The GPU driver stage."""
    return pyinfra(lab, "-y", "--limit", HGX, *arguments, file=STAGE)


def converged(lab: Lab, *arguments: str) -> None:
    """The stage, which must succeed, and again, which must change nothing."""
    done = run(lab, *arguments)
    assert done.status == 0, done.output
    again = run(lab)
    assert again.status == 0 and again.changed == 0, again.output


def cuda(lab: Lab) -> str:
    """What the verification's program says on the host itself."""
    return lab.run(HGX, shlex.join(cuda_program.command())).stdout.strip()


def test_a_fabric_manager_of_the_drivers_version_is_installed_held_and_running(lab):
    lab.configure(**PREINSTALLED)
    assert len(out(lab, HGX, "nvidia-smi -L").splitlines()) == 8
    assert cuda(lab) == "cuInit 802, 0 GPUs"

    converged(lab)
    assert cuda(lab) == "cuInit 0, 8 GPUs"
    assert out(lab, HGX, INSTALLED) == "nvidia-fabricmanager-550 550.54.14-1"
    assert "nvidia-fabricmanager-550" in out(lab, HGX, "apt-mark showhold").split()

    reboot(lab, HGX)
    wait_until(lambda: cuda(lab) == "cuInit 0, 8 GPUs", 60)


def test_one_of_another_version_is_replaced(lab):
    lab.configure(**PREINSTALLED)
    upgrade = "install nvidia-fabricmanager-550=550.163.01-1"
    out(lab, HGX, f"DEBIAN_FRONTEND=noninteractive apt-get -qy --allow-change-held-packages {upgrade}")
    reboot(lab, HGX)
    assert len(out(lab, HGX, "nvidia-smi -L").splitlines()) == 8
    assert cuda(lab) == "cuInit 802, 0 GPUs"

    converged(lab)
    assert cuda(lab) == "cuInit 0, 8 GPUs"


def test_a_driver_whose_fabric_manager_nobody_offers_is_refused_before_it_is_installed(lab):
    lab.configure(**{**PREINSTALLED, "nvidia_driver": "runfile", "nvidia_driver_runfile": str(runfile("535.183.01"))})
    hidden = "/etc/apt/sources.list.d/lab-distro.list"
    out(lab, HGX, f"sed -i.kept '/cuda/d' {hidden} && apt-get -q update")
    refused = run(lab, "--data", "allow_disruption=yes")
    out(lab, HGX, f"mv {hidden}.kept {hidden} && apt-get -q update")
    assert refused.status == 1
    said = "nvidia-fabricmanager-535 535.183.01 is in none of the host's apt sources (offered: none)"
    assert any(said in line for line in refused.lines(HGX)), refused.output
    assert cuda(lab) == "cuInit 0, 8 GPUs"


def test_another_driver_brings_its_own(lab):
    lab.configure(**{**PREINSTALLED, "nvidia_driver": "runfile", "nvidia_driver_runfile": str(runfile("535.183.01"))})
    converged(lab, "--data", "allow_disruption=yes")
    assert out(lab, HGX, "cat /sys/module/nvidia/version") == "535.183.01"
    assert out(lab, HGX, INSTALLED) == "nvidia-fabricmanager-535 535.183.01-1"
    assert cuda(lab) == "cuInit 0, 8 GPUs"
