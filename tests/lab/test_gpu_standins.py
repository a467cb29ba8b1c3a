"""The lab's GPU stand-ins against the real interfaces they imitate: what they answer, refuse, and leave behind."""

from __future__ import annotations

import json
import subprocess

import pytest

from lab import gpu
from lab.gpu.profile import parse
from lab.wait import wait_until
from tests.lab.boots import power_cycle
from tests.lab.harness import new_lab, out

BARE, READY = "openpai-001", "openpai-002"
VERSION = "550.54.14"
RUNFILE = f"NVIDIA-Linux-x86_64-{VERSION}.run"
QUERY = "nvidia-smi --query-gpu=index,name,driver_version,memory.total,persistence_mode,pci.bus_id --format=csv"
INSTALL = f"sh /opt/{RUNFILE} --silent -no-x-check -no-nouveau-check -no-opengl-files"
BLACKLIST = "echo 'blacklist nouveau' >/etc/modprobe.d/no-nouveau.conf"
IMAGE = "nvidia/cuda:12.4.1-base-ubuntu22.04"


@pytest.fixture(scope="module")
def lab():
    """A bare worker, and one with the driver installed beforehand."""
    with new_lab(
        "gpus", workers=2, gpus={BARE: json.dumps({"installer_seconds": 4, "display_manager": True}), READY: "default"}
    ) as made:
        web = f"http://{made.gateway}"
        for host in (BARE, READY):
            lines = f'Acquire::http::Proxy "{web}:3128"; Acquire::http::Proxy::{made.gateway} DIRECT;'
            out(made, host, f"echo '{lines}' >/etc/apt/apt.conf.d/01lab; apt-get -q update")
        yield made


@pytest.fixture(scope="module")
def prepared(lab):
    """The bare worker with NVIDIA's runfile, and what the runfile needs but a blacklist of nouveau."""
    out(lab, BARE, "DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends gcc make")
    out(
        lab,
        BARE,
        f"/usr/lib/apt/apt-helper download-file http://{lab.gateway}:8080/nvidia/runfile/{RUNFILE} /opt/{RUNFILE}",
    )
    return lab


@pytest.fixture(scope="module")
def docker(lab):
    """The ready worker with Docker and NVIDIA's container toolkit, its runtime the default."""
    web = f"http://{lab.gateway}:8080"
    runtime = {"path": "/usr/bin/nvidia-container-runtime", "runtimeArgs": []}
    daemon = {
        "default-runtime": "nvidia",
        "runtimes": {"nvidia": runtime},
        "registry-mirrors": [f"http://{lab.gateway}:5000"],
    }
    for url, key in {f"{web}/nvidia/gpgkey": "nvidia", f"{web}/docker/linux/debian/gpg": "docker"}.items():
        out(
            lab,
            READY,
            f"mkdir -p /etc/apt/keyrings; /usr/lib/apt/apt-helper download-file {url} /etc/apt/keyrings/{key}.asc",
        )
    sources = (
        f"deb [signed-by=/etc/apt/keyrings/docker.asc] {web}/docker/linux/debian bookworm stable\n"
        f"deb [signed-by=/etc/apt/keyrings/nvidia.asc] {web}/nvidia/stable/deb/$(ARCH) /\n"
    )
    lab.run(READY, "mkdir -p /etc/docker; cat >/etc/docker/daemon.json", stdin=json.dumps(daemon), check=True)
    lab.run(READY, "cat >/etc/apt/sources.list.d/test.list", stdin=sources, check=True)
    out(
        lab,
        READY,
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install docker-ce nvidia-container-toolkit",
    )
    return lab


def reboot(lab, host):
    """Boot a host anew, until it shows its GPUs."""
    power_cycle(lab, host)
    wait_until(lambda: lab.run(host, "test -e /run/lab-gpu/booted").returncode == 0, 180)


def fails(lab, host, command):
    """Exit status and all words of a command that must fail."""
    done = lab.run(host, command)
    assert done.returncode != 0, done.stdout
    return done.returncode, done.stdout + done.stderr


def broken(lab, **fault):
    """nvidia-smi's exit status and words on the ready worker with this fault."""
    before = parse(str(lab.host_directory(READY) / "gpu/profile.json"))
    gpu.set_profile(lab.host_directory(READY), **fault)
    try:
        patience = 2 if fault.get("hang") else 60
        done = lab.run(READY, f"timeout -k 1 {patience} {QUERY},noheader,nounits")
        return done.returncode, done.stdout
    finally:
        gpu.set_profile(lab.host_directory(READY), **{name: getattr(before, name) for name in fault})


def test_driver_installed_beforehand_shows_all_its_traces(lab):
    assert out(lab, READY, QUERY).splitlines()[:2] == [
        "index, name, driver_version, memory.total [MiB], persistence_mode, pci.bus_id",
        f"0, NVIDIA H100 80GB HBM3, {VERSION}, 81559 MiB, Disabled, 00000000:1B:00.0",
    ]
    assert out(lab, READY, "nvidia-smi -L").count("GPU ") == 4
    assert f"Driver Version: {VERSION}" in out(lab, READY, "nvidia-smi")
    assert out(lab, READY, "cat /sys/module/nvidia/version") == VERSION
    assert f"Kernel Module  {VERSION} " in out(lab, READY, "cat /proc/driver/nvidia/version")
    assert out(lab, READY, "modinfo -F version nvidia") == VERSION
    bus = out(lab, READY, "cat /sys/bus/pci/devices/*/vendor /sys/bus/pci/devices/*/class").split()
    assert bus == ["0x10de"] * 4 + ["0x030200"] * 4
    out(lab, READY, "test ! -e /sys/module/nouveau && test -c /dev/nvidia3 && test -c /dev/nvidiactl")


def test_persistence_mode_ends_with_the_daemon_that_keeps_it(lab):
    assert "Enabled persistence mode" in out(lab, READY, "nvidia-smi -pm 1")
    assert "already Enabled" in out(lab, READY, "nvidia-smi -pm 1")
    out(lab, READY, "nvidia-smi -pm 0; nvidia-persistenced --verbose")
    assert out(lab, READY, "nvidia-smi --query-gpu=persistence_mode --format=csv,noheader -i 0") == "Enabled"
    assert "in use" in fails(lab, READY, "modprobe -r nvidia")[1]
    out(lab, READY, "kill $(cat /run/nvidia-persistenced/nvidia-persistenced.pid)")
    wait_until(lambda: "Disabled" in out(lab, READY, "nvidia-smi --query-gpu=persistence_mode --format=csv -i 0"), 10)


def test_lspci_shows_the_gpus(lab):
    out(lab, READY, "DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends pciutils pci.ids")
    lines = out(lab, READY, "lspci").splitlines()
    assert len(lines) == 4
    assert all("3D controller: NVIDIA Corporation GH100" in line for line in lines)


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"gpu_fell_off_bus": 1}, 15, "Unable to determine the device handle for GPU1: 00000000:2C:00.0: GPU is lost."),
        ({"hang": True}, 137, ""),
        ({"na_memory": True}, 0, "[N/A]"),
    ],
)
def test_fault_shows_as_on_real_hardware(lab, fault, status, words):
    found, said = broken(lab, **fault)
    assert found == status
    assert words in said


def test_fewer_gpus_than_the_bus_shows(lab):
    status, said = broken(lab, count_lower=3)
    assert (status, len(said.splitlines())) == (0, 3)
    assert len(out(lab, READY, "ls /sys/bus/pci/devices").split()) == 4


def test_stale_module_is_a_mismatch(lab):
    folder = lab.host_directory(READY)
    gpu.set_profile(folder, mismatch="535.183.01")
    reboot(lab, READY)
    status, said = fails(lab, READY, "nvidia-smi")
    gpu.set_profile(folder, mismatch=None)
    reboot(lab, READY)
    assert (status, "Failed to initialize NVML: Driver/library version mismatch" in said) == (18, True)
    assert "NVML library version: 550.54" in said
    out(lab, READY, "nvidia-smi")


def test_secure_boot_keeps_the_unsigned_module_out(lab):
    folder = lab.host_directory(READY)
    gpu.set_profile(folder, secure_boot=True)
    reboot(lab, READY)
    value = out(lab, READY, "od -An -t u1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-*")
    status, _ = fails(lab, READY, "nvidia-smi")
    refused = fails(lab, READY, "modprobe nvidia")[1]
    gpu.set_profile(folder, secure_boot=False)
    reboot(lab, READY)
    assert (value, status) == ("1", 9)
    assert "Key was rejected by service" in refused


def test_container_gets_gpus_by_the_default_runtime_alone(docker):
    assert out(docker, READY, f"docker run --rm {IMAGE} nvidia-smi -L").count("GPU ") == 4
    one = out(docker, READY, f"docker run --rm -e NVIDIA_VISIBLE_DEVICES=1 {IMAGE} nvidia-smi -L")
    assert one.startswith("GPU 1:") and len(one.splitlines()) == 1
    assert (
        "nvidia-smi: not found" in fails(docker, READY, f"docker run --rm --runtime runc {IMAGE} sh -c nvidia-smi")[1]
    )
    assert fails(docker, READY, "docker run --rm busybox ls /dev/nvidiactl")[0] == 1


def test_container_that_uses_a_gpu_keeps_the_module(docker):
    out(docker, READY, f"docker run -d --name user {IMAGE} sh -c 'exec 3</dev/nvidia0; exec sleep 600'")
    try:
        wait_until(lambda: "in use" in docker.run(READY, "modprobe -n -r nvidia; modprobe -r nvidia").stderr, 10)
    finally:
        out(docker, READY, "docker rm -f user; modprobe nvidia")


def test_container_without_a_driver_says_so(docker):
    out(docker, READY, "modprobe -r nvidia")
    try:
        assert "nvml error: driver not loaded" in fails(docker, READY, f"docker run --rm {IMAGE} true")[1]
    finally:
        out(docker, READY, "modprobe nvidia")


def test_toolkit_is_offered_in_two_versions_under_its_real_names(docker):
    offered = out(docker, READY, "apt-cache madison nvidia-container-toolkit")
    assert [line.split("|")[1].strip() for line in offered.splitlines()] == ["1.17.8-1", "1.17.7-1"]
    assert "nvidia-container-toolkit" in out(docker, READY, "apt-cache depends nvidia-container-runtime")


def test_runfile_refuses_what_the_real_one_refuses(prepared):
    run = f"sh /opt/{RUNFILE}"
    assert "Verifying archive integrity... OK" in out(prepared, BARE, f"{run} --check")
    out(prepared, BARE, f"head -c 9000 /opt/{RUNFILE} >/opt/cut.run")
    assert "damaged" in fails(prepared, BARE, "sh /opt/cut.run --check")[1]
    assert "Unable to open a terminal" in fails(prepared, BARE, f"{run} </dev/null")[1]
    assert "unrecognized option" in fails(prepared, BARE, f"{run} --silent --nonsense")[1]
    assert "running an X server" in fails(prepared, BARE, f"{run} --silent")[1]
    run += " --no-x-check"
    assert "Nouveau kernel driver is currently in use" in fails(prepared, BARE, f"{run} --silent")[1]
    assert "kernel source tree" in fails(prepared, BARE, f"{run} --silent --no-nouveau-check")[1]
    assert "Failed to find dkms" in fails(prepared, BARE, f"{run} --silent --no-nouveau-check --dkms")[1]
    assert "ERROR: Failed to find dkms" in out(prepared, BARE, "cat /var/log/nvidia-installer.log")
    out(prepared, BARE, "test ! -e /usr/bin/nvidia-smi")


def test_nouveau_stays_until_root_and_initramfs_both_forbid_it(prepared):
    out(prepared, BARE, f"{BLACKLIST}; sync")
    reboot(prepared, BARE)
    out(prepared, BARE, "test -e /sys/module/nouveau")
    assert "in use" in fails(prepared, BARE, "modprobe -r nouveau")[1]
    out(prepared, BARE, "update-initramfs -u -k all && rm /etc/modprobe.d/no-nouveau.conf; sync")
    reboot(prepared, BARE)
    out(prepared, BARE, "test -e /sys/module/nouveau")
    # The driver's own module cannot have GPUs that nouveau holds.
    out(prepared, BARE, "apt-get -qy install linux-headers-$(uname -r)")
    assert "Unable to load the kernel module" in fails(prepared, BARE, INSTALL)[1]
    out(prepared, BARE, f"test ! -e /usr/bin/nvidia-smi; {BLACKLIST}; update-initramfs -u; sync")
    reboot(prepared, BARE)
    out(prepared, BARE, "test ! -e /sys/module/nouveau")


def test_runfile_killed_half_way_is_repaired_by_the_next_one(prepared):
    command = ["sh", "-c", f"exec setsid {INSTALL}"]
    with subprocess.Popen([*prepared.enter(BARE), *command], stdout=subprocess.DEVNULL) as running:
        wait_until(lambda: prepared.run(BARE, "test -e /usr/bin/nvidia-smi").returncode == 0, 60)
        out(
            prepared,
            BARE,
            "kill -9 $(ps -eo pid,args | awk '/[s]h .opt.NVIDIA|[n]vidia-installer --silent/ { print $1 }')",
        )
        assert running.wait() != 0
    status, said = fails(prepared, BARE, "nvidia-smi")
    assert (status, "couldn't communicate with the NVIDIA driver" in said) == (9, True)
    fails(prepared, BARE, "modinfo nvidia")
    out(prepared, BARE, INSTALL)
    assert out(prepared, BARE, "nvidia-smi -L").count("GPU ") == 4
    reboot(prepared, BARE)
    assert out(prepared, BARE, "nvidia-smi -L").count("GPU ") == 4
    assert "in use" in fails(prepared, BARE, "nvidia-uninstall --silent")[1]
    out(prepared, BARE, "systemctl stop display-manager && nvidia-uninstall --silent")
    fails(prepared, BARE, "test -e /usr/bin/nvidia-smi || modinfo nvidia")
    out(prepared, BARE, "rm /etc/systemd/system/display-manager.service")


def test_packages_upgraded_under_a_loaded_module_are_a_mismatch(prepared):
    install = "DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends --allow-downgrades"
    driver = "nvidia-driver nvidia-smi"
    newest = "awk '/^Inst .*[(]535.247.01/ { print $2 \"=535.216.03-1~deb12u1\" }'"
    older = out(prepared, BARE, f"apt-get -s install --no-install-recommends {driver} | {newest}").split()
    out(prepared, BARE, f"{install} {' '.join(older)} && modprobe nvidia")
    assert out(prepared, BARE, "nvidia-smi --query-gpu=driver_version --format=csv,noheader -i 0") == "535.216.03"
    out(prepared, BARE, f"{install} {driver}")
    assert fails(prepared, BARE, "nvidia-smi")[0] == 18
    assert out(prepared, BARE, "cat /sys/module/nvidia/version; modinfo -F version nvidia-current").split() == [
        "535.216.03",
        "535.247.01",
    ]
    reboot(prepared, BARE)
    assert out(prepared, BARE, "nvidia-smi --query-gpu=driver_version --format=csv,noheader -i 0") == "535.247.01"
