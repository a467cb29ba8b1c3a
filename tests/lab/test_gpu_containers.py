"""The container runtime on a worker, and the containers that no run may disturb."""

from __future__ import annotations

import json

import pytest

from lab.api import Lab
from lab.commands import run, verification
from lab.gpu import set_profile
from lab.wait import wait_until
from tests.lab.boots import reboot
from tests.lab.harness import converged, deploy, killed_when, new_lab, out

WORKER = "openpai-001"
DAEMON_JSON = "/etc/docker/daemon.json"
DEFAULT_RUNTIME = "docker info -f '{{.DefaultRuntime}}'"
STARTED = "docker inspect -f '{{.State.StartedAt}}' job"
# What a run must leave as it was: the daemon's start, and the times that systemd read its units anew.
UNDISTURBED = (
    "systemctl show docker -p ActiveEnterTimestampMonotonic; cat /proc/sys/kernel/random/boot_id; "
    "journalctl -b _PID=1 -o cat | grep -c Reloading || :"
)


@pytest.fixture(scope="module")
def lab():
    """One worker with a preinstalled driver, converged, with a container that stands for somebody's job."""
    with new_lab("gpujob", workers=1, gpus={WORKER: "default"}) as made:
        made.configure(installer="none", ntp_hosts="master")
        converged(made)
        out(made, WORKER, f"docker run -d --init --restart=always --runtime=runc --name job {image(made)} sleep 100000")
        yield made


def image(lab: Lab) -> str:
    """The image of the verification, in the lab's registry."""
    return f"{lab.gateway}:5000/nvidia/cuda:12.4.1-base-ubuntu22.04"


def test_a_container_sees_the_gpus_without_being_asked_to(lab):
    assert out(lab, WORKER, DEFAULT_RUNTIME) == "nvidia"
    shown = out(lab, WORKER, f"docker run --rm {image(lab)} nvidia-smi -L")
    assert len(shown.splitlines()) == 4 and "H100" in shown
    held = out(lab, WORKER, "apt-mark showhold").split()
    assert {"nvidia-container-toolkit", "libnvidia-container1"} <= set(held)


def test_the_verification_sees_what_nvidia_smi_calls_well(lab):
    suite = "tests/hosts/test_gpu.py"
    well = run(verification(lab, "--role", "worker", suite=suite))
    assert well.status == 0, well.output
    waits = "/run/lab-gpu/sys-module/nvidia/awaits_fabric"
    out(lab, WORKER, f"touch {waits}")
    failed = run(verification(lab, "--role", "worker", suite=suite))
    out(lab, WORKER, f"rm {waits}")
    assert failed.status == 1 and "1 failed" in failed.output, failed.output
    assert f"{WORKER}: CUDA does not start in a container: cuInit says 802" in failed.output

    folder = lab.host_directory(WORKER)
    set_profile(folder, remap="failure", throttled=True)
    spent = run(verification(lab, "--role", "worker", suite=suite))
    set_profile(folder, remap=None, throttled=False)
    assert spent.status == 1 and "1 failed" in spent.output, spent.output
    assert "has no memory left to remap; have the card replaced (RMA)" in spent.output
    assert f"Warning: {WORKER}: GPU 00000000:1B:00.0 is slowed down by heat or power" in spent.output


def test_a_second_run_changes_nothing_and_reloads_nothing(lab):
    before, started = out(lab, WORKER, UNDISTURBED), out(lab, WORKER, STARTED)
    again = converged(lab)
    assert again.changed == 0, again.output
    assert out(lab, WORKER, UNDISTURBED) == before
    assert out(lab, WORKER, STARTED) == started


def test_a_run_killed_between_daemon_json_and_its_reload_is_taken_up_by_the_next(lab):
    started = out(lab, WORKER, STARTED)
    content = json.loads(out(lab, WORKER, f"cat {DAEMON_JSON}"))
    del content["runtimes"]
    content["default-runtime"] = "runc"
    lab.run(WORKER, f"cat >{DAEMON_JSON}", stdin=json.dumps(content), check=True)
    # As if the deploy had never got to the runtime: nothing notes that the daemon once ran with it.
    out(lab, WORKER, "systemctl reload docker; rm -f /run/openpai-deploy/docker-applied.json")
    wait_until(lambda: out(lab, WORKER, DEFAULT_RUNTIME) == "runc", 30)

    file = lab.root(WORKER) / DAEMON_JSON.lstrip("/")
    killed_when(lab, lambda: "nvidia-container-runtime" in file.read_text())
    assert out(lab, WORKER, DEFAULT_RUNTIME) == "runc"

    converged(lab)
    assert out(lab, WORKER, DEFAULT_RUNTIME) == "nvidia"
    assert out(lab, WORKER, STARTED) == started


def test_a_worker_with_a_container_is_rebooted_only_on_the_operators_word(lab):
    out(lab, WORKER, "grep -l nouveau /etc/modprobe.d/* | xargs rm && update-initramfs -u")
    reboot(lab, WORKER)
    assert out(lab, WORKER, "ls -d /sys/module/nouveau")
    out(lab, WORKER, "until docker info >/dev/null 2>&1; do sleep 0.2; done")
    boot, started = out(lab, WORKER, "cat /proc/sys/kernel/random/boot_id"), out(lab, WORKER, STARTED)

    refused = deploy(lab)
    assert refused.status == 1
    # By preflight's table, before any host is changed.
    assert "nouveau is loaded, but 1 containers run on the host" in " ".join(refused.output.split()), refused.output
    assert out(lab, WORKER, "cat /proc/sys/kernel/random/boot_id") == boot
    assert out(lab, WORKER, STARTED) == started

    converged(lab, "--data", "allow_disruption=yes")
    assert out(lab, WORKER, "cat /proc/sys/kernel/random/boot_id") != boot
    assert lab.run(WORKER, "ls -d /sys/module/nouveau").returncode != 0
    assert len(out(lab, WORKER, f"docker run --rm {image(lab)} nvidia-smi -L").splitlines()) == 4


def test_a_container_whose_gpu_systemd_does_not_know_keeps_it_from_reading_its_units(lab):
    content = json.loads(out(lab, WORKER, f"cat {DAEMON_JSON}"))
    content["exec-opts"] = ["native.cgroupdriver=systemd"]
    lab.run(WORKER, f"cat >{DAEMON_JSON}", stdin=json.dumps(content), check=True)
    out(lab, WORKER, "docker rm -f job && systemctl restart docker")
    out(lab, WORKER, f"docker run -d --name told --device /dev/nvidia0 {image(lab)} sleep 100000")
    # The container's own terminal: systemd knows it by its kind and not by its number, like an old toolkit's GPU.
    behind = "ln -s console /dev/nvidia0; exec sleep 100000"
    untold = out(lab, WORKER, f"docker run -dt --runtime=runc --name untold {image(lab)} sh -c '{behind}'")[:12]
    out(lab, WORKER, "systemctl disable docker.service && apt-mark unhold nvidia-container-toolkit")
    refused = deploy(lab)
    assert refused.status == 1
    said = f"systemd must read its units anew, by which 1 containers ({untold}) lose their GPUs"
    assert any(said in line for line in refused.lines(WORKER)), refused.output
    out(lab, WORKER, "docker rm -f untold")
    converged(lab)
