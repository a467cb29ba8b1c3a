"""What stops a worker before anything on it changes, each with the sentence that says what to do."""

from __future__ import annotations

import json

import pytest

from lab.gpu import runfile
from tests.lab.harness import new_lab, out, pyinfra

STAGE = "tests/lab/driver_stage.py"
LOCKED, HEADLESS, READY = "openpai-001", "openpai-002", "openpai-003"
BY_RUNFILE = {
    "nvidia_driver": "runfile",
    "nvidia_driver_runfile": str(runfile("535.183.01")),
    "nvidia_driver_runfile_sha256": None,
    "nvidia_driver_version": None,
}
BY_APT = {**BY_RUNFILE, "nvidia_driver": "apt", "nvidia_driver_runfile": None}
# Everything that the stage would write or install.
TRACES = "ls /etc/modprobe.d/openpai-nouveau.conf /var/lib/openpai-deploy /var/cache/openpai-deploy /usr/bin/gcc"


@pytest.fixture(scope="module")
def lab():
    """A worker with Secure Boot, one whose kernel's headers nobody offers, and one with a driver from a runfile."""
    locked, headless = json.dumps({"secure_boot": True}), json.dumps({"headers": False})
    with new_lab("gpuref", workers=3, gpus={LOCKED: locked, HEADLESS: headless, READY: "default"}) as made:
        yield made


@pytest.mark.parametrize(
    ("host", "keys", "said"),
    [
        (LOCKED, BY_RUNFILE, "Secure Boot is on and would refuse the unsigned module"),
        (HEADLESS, BY_RUNFILE, "is in none of the host's apt sources; add a source that has it"),
        (HEADLESS, {**BY_APT, "nvidia_driver": "preinstalled"}, "no NVIDIA driver is installed for kernel"),
        (LOCKED, {**BY_APT, "nvidia_driver_version": "999.1"}, "nvidia-driver 999.1 is in none of the host's apt"),
        (READY, {**BY_APT, "nvidia_driver_version": "535"}, "was installed by NVIDIA's runfile"),
        (LOCKED, {**BY_RUNFILE, "nvidia_driver_runfile_sha256": "0" * 64}, "has sha256"),
    ],
)
def test_a_worker_is_refused_before_anything_on_it_changes(lab, host, keys, said):
    lab.configure(**keys)
    before = out(lab, host, "cat /proc/sys/kernel/random/boot_id; dpkg -l | sha256sum")
    refused = pyinfra(lab, "-y", "--limit", host, file=STAGE)
    assert refused.status == 1
    assert any(said in line for line in refused.lines(host)), refused.output
    assert "Traceback" not in refused.output
    assert out(lab, host, "cat /proc/sys/kernel/random/boot_id; dpkg -l | sha256sum") == before
    assert lab.run(host, TRACES).stdout == ""


def test_a_dry_run_says_so_too(lab):
    lab.configure(**BY_RUNFILE)
    planned = pyinfra(lab, "--dry", "--limit", LOCKED, file=STAGE)
    assert any("Secure Boot is on" in line for line in planned.lines(LOCKED)), planned.output
