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


# Somebody logged in, a virtual machine, a job of Slurm, and a process on a GPU; each in a unit that ends it.
AT_WORK = r"""
cp /bin/sleep /root/qemu-system-x86_64; cp /bin/bash /root/slurmstepd; mknod /dev/nvidia7 c 1 3 || exit
unit() { systemd-run --quiet --collect "$@"; }
unit --unit=busy-person -p PAMName=login -p User=paiadmin -E XDG_SESSION_CLASS=user sleep 600
unit --unit=busy-vm /root/qemu-system-x86_64 600
unit --unit=busy-job /root/slurmstepd -c 'exec -a "slurmstepd: [17.batch]" /root/slurmstepd -c "sleep 600; :"'
unit --unit=busy-gpu sh -c 'exec sleep 600 3</dev/nvidia7'
"""


def test_who_is_at_work_on_a_worker_keeps_it_from_its_reboot(lab):
    lab.configure(**{**BY_RUNFILE, "nvidia_driver": "preinstalled", "nvidia_driver_runfile": None})
    asked = ("--limit", HEADLESS, "tasks.systemd.Boot")
    assert "person" not in pyinfra(lab, *asked, file="fact").output, "the deploy's own session is nobody's work"
    out(lab, HEADLESS, AT_WORK)
    refused = pyinfra(lab, "-y", "--limit", HEADLESS, file=STAGE)
    assert refused.status == 1
    (said,) = {line for line in refused.lines(HEADLESS) if "nouveau is loaded, but" in line}
    for each in ("GPUs (sleep (", "run (qemu-system-x86 (", "Slurm run (17)", "logged in (paiadmin) on the host"):
        assert each in said
    assert "allow the reboot with --data allow_disruption=yes" in said
    out(lab, HEADLESS, "systemctl stop 'busy-*'; rm /dev/nvidia7")
    assert "at_work=()" in pyinfra(lab, *asked, file="fact").output
