"""From nouveau to a verified driver by each of the three sources, with runs that are cut short on the way."""

from __future__ import annotations

import json

import pytest

from cluster import load
from lab.api import Lab
from lab.commands import Run
from lab.gpu import runfile, set_profile
from lab.gpu.driver_packages import LATER
from tests.hosts import gpus, kernels
from tests.hosts.probes import answers, script
from tests.lab.boots import BOOT_ID, booted_after, power_cycle, reboot
from tests.lab.harness import killed_when, new_lab, out, pyinfra

STAGE = "tests/lab/driver_stage.py"
BY_RUNFILE, BY_APT, READY = "openpai-001", "openpai-002", "openpai-003"
UNDER_WAY = "/var/lib/openpai-deploy/nvidia-driver.under-way"
LOADED = "cat /sys/module/nvidia/version"
# So long an installation takes that a test reaches the host while it runs.
INSTALLER_SECONDS = 12


@pytest.fixture(scope="module")
def lab():
    """Two workers as they come from the factory, one of them with a desktop, and one with the driver on its disk."""
    desktop = json.dumps({"display_manager": True, "installer_seconds": INSTALLER_SECONDS})
    with new_lab("gpudrv", workers=3, gpus={BY_RUNFILE: desktop, BY_APT: "bare", READY: "default"}) as made:
        yield made


def run(lab: Lab, host: str, *arguments: str) -> Run:
    """The GPU driver stage on one worker."""
    return pyinfra(lab, "-y", "--limit", host, *arguments, file=STAGE)


def converged(lab: Lab, host: str, *arguments: str) -> Run:
    """The same, and it must succeed, with all that was printed if it does not."""
    done = run(lab, host, *arguments)
    assert done.status == 0, done.output
    return done


def changes_nothing(lab: Lab, host: str) -> None:
    """A further run changes nothing and reboots nothing."""
    before = out(lab, host, BOOT_ID)
    again = converged(lab, host)
    assert again.changed == 0, again.output
    assert out(lab, host, BOOT_ID) == before


def test_runfile_with_runs_killed_during_the_reboot_and_the_installation(lab):
    lab.configure(nvidia_driver="runfile", nvidia_driver_runfile=str(runfile("535.183.01")), nvidia_driver_version=None)
    assert out(lab, BY_RUNFILE, "ls -d /sys/module/nouveau")
    boot = out(lab, BY_RUNFILE, BOOT_ID)

    killed_when(lab, lambda: not lab.running(BY_RUNFILE), "--limit", BY_RUNFILE, file=STAGE)
    booted_after(lab, BY_RUNFILE, boot)
    assert lab.run(BY_RUNFILE, "ls -d /sys/module/nouveau").returncode != 0

    installing = f"[ -e {UNDER_WAY} ] && grep -q 'Building kernel modules' /var/log/nvidia-installer.log"
    killed_when(lab, lambda: lab.run(BY_RUNFILE, installing).returncode == 0, "--limit", BY_RUNFILE, file=STAGE)
    assert "nvidia-installer" in out(lab, BY_RUNFILE, "ps -e -o args")
    assert lab.run(BY_RUNFILE, "systemctl is-active display-manager").stdout.strip() == "inactive"

    done = converged(lab, BY_RUNFILE)
    assert "rebooting" not in done.output
    # The installation of the killed run went on and was waited for, not repeated.
    assert "GPU driver | NVIDIA driver" not in done.changes()
    assert out(lab, BY_RUNFILE, LOADED) == "535.183.01"
    assert out(lab, BY_RUNFILE, "systemctl is-active display-manager") == "active"
    assert lab.run(BY_RUNFILE, f"ls {UNDER_WAY}").returncode != 0
    # This driver is built for this kernel alone.
    assert '"linux-image-"' in out(lab, BY_RUNFILE, "apt-config dump Unattended-Upgrade::Package-Blacklist")
    options = out(lab, BY_RUNFILE, "grep -A1 'command line' /var/log/nvidia-installer.log | tail -1")
    assert "--silent --no-x-check --no-nouveau-check --no-opengl-files" in options and "--dkms" not in options
    changes_nothing(lab, BY_RUNFILE)


def test_a_power_failure_during_the_installation_is_repaired_by_the_next_run(lab):
    lab.configure(nvidia_driver="runfile", nvidia_driver_runfile=str(runfile("550.54.14")), nvidia_driver_version=None)
    half_way = "[ $(wc -l </var/lib/nvidia/log) -lt 9 ] && grep -q 550.54.14 /var/log/nvidia-installer.log"
    killed_when(lab, lambda: lab.run(BY_RUNFILE, half_way).returncode == 0, "--limit", BY_RUNFILE, file=STAGE)
    power_cycle(lab, BY_RUNFILE)
    assert out(lab, BY_RUNFILE, f"ls {UNDER_WAY}")

    done = converged(lab, BY_RUNFILE)
    assert "GPU driver | NVIDIA driver" in done.changes()
    assert out(lab, BY_RUNFILE, LOADED) == "550.54.14"
    assert out(lab, BY_RUNFILE, "systemctl is-active display-manager") == "active"


def test_apt_pinned_held_and_out_of_unattended_upgrades(lab):
    lab.configure(nvidia_driver="apt", nvidia_driver_version="535.216.03", nvidia_driver_runfile=None)
    done = converged(lab, BY_APT)
    assert "rebooting: nouveau is loaded" in done.output
    assert out(lab, BY_APT, LOADED) == "535.216.03"
    held = out(lab, BY_APT, "apt-mark showhold").split()
    assert {"nvidia-driver", "nvidia-smi", "nvidia-kernel-dkms", "libcuda1"} <= set(held)
    # As in Debian: the module has another name, by which modinfo finds it and modprobe's install line leads to it.
    assert lab.run(BY_APT, "modinfo nvidia").returncode != 0
    assert out(lab, BY_APT, "modinfo -F version nvidia-current") == "535.216.03"
    assert out(lab, BY_APT, "realpath /usr/lib/x86_64-linux-gnu/libcuda.so.1").endswith("/libcuda.so.535.216.03")
    excluded = out(lab, BY_APT, "apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"nvidia-"' in excluded and '"libnvidia-"' in excluded and '"linux-image-"' not in excluded
    changes_nothing(lab, BY_APT)


def next_boot_fault(lab: Lab, host: str) -> str | None:
    """What the verification says of the kernel that the host boots next."""
    asked = [kernels.NEXT_KERNEL, gpus.INSTALLED]
    said = answers(asked, out(lab, host, script(asked, as_root=False)).encode())
    config = load(lab.folder).config
    return kernels.next_boot_fault(said["next kernel"], said["installed driver"].out, config)


def test_a_later_kernel_without_the_driver_is_named_and_gets_it_from_dkms(lab):
    lab.configure(nvidia_driver="apt", nvidia_driver_version="535.216.03", nvidia_driver_runfile=None)
    assert next_boot_fault(lab, BY_APT) is None
    out(lab, BY_APT, "DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends linux-image-lab")
    named = next_boot_fault(lab, BY_APT)
    assert named and f"kernel {LATER}, which boots next, has no NVIDIA module, not driver 535.216.03" in named

    done = converged(lab, BY_APT)
    assert "GPU driver | Headers for later kernels, where DKMS builds the driver" in done.changes()
    assert next_boot_fault(lab, BY_APT) is None
    assert out(lab, BY_APT, f"modinfo -k {LATER} -F version nvidia-current") == "535.216.03"
    assert '"linux-image-"' not in out(lab, BY_APT, "apt-config dump Unattended-Upgrade::Package-Blacklist")
    changes_nothing(lab, BY_APT)

    # As a build that failed in the night leaves it; then without the headers that come with each kernel.
    out(lab, BY_APT, f"dkms uninstall -m nvidia-current -v 535.216.03 -k {LATER}")
    assert next_boot_fault(lab, BY_APT)
    done = converged(lab, BY_APT)
    assert done.changes() == ["GPU driver | The next boot's kernel has the driver"]
    assert next_boot_fault(lab, BY_APT) is None
    out(lab, BY_APT, f"apt-get -qy purge linux-image-lab linux-headers-lab linux-image-{LATER} linux-headers-{LATER}")
    assert next_boot_fault(lab, BY_APT) is None


def test_another_version_from_apt_takes_one_reboot_also_when_the_run_is_killed_before_it(lab):
    lab.configure(nvidia_driver="apt", nvidia_driver_version="535.247.01", nvidia_driver_runfile=None)
    installed = "grep -q 535.247.01 /var/lib/openpai-deploy/nvidia-driver.installed"
    killed_when(lab, lambda: lab.run(BY_APT, installed).returncode == 0, "--limit", BY_APT, file=STAGE)
    assert out(lab, BY_APT, LOADED) == "535.216.03"

    # A shim is its container's parent.
    shim = "/tmp/containerd-shim-runc-v2"
    busy = f"cp /bin/sh {shim}; setsid {shim} -c 'sleep 600; :' >/dev/null 2>&1 &"
    out(lab, BY_APT, busy)
    boot = out(lab, BY_APT, BOOT_ID)
    refused = run(lab, BY_APT)
    assert refused.status == 1 and out(lab, BY_APT, BOOT_ID) == boot
    assert "driver 535.247.01 is installed but 535.216.03 is loaded, but 1 containers run" in refused.output

    done = converged(lab, BY_APT, "--data", "allow_disruption=yes")
    assert "rebooting: driver 535.247.01 is installed" in done.output
    assert out(lab, BY_APT, LOADED) == "535.247.01"
    changes_nothing(lab, BY_APT)


FOREIGN = "nvidia-mig-manager nvidia-gds nvidia-driver-local-repo-debian12-535.183.01 cuda-keyring"
DEPENDENT = "nvidia-fs-dkms"
PACKAGES = (
    "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n' '*nvidia*' 'libcuda*' cuda-keyring | grep -v ^un"
)


def test_the_runfile_replaces_apts_driver_alone_and_only_one_that_can_be_unloaded(lab):
    lab.configure(nvidia_driver="runfile", nvidia_driver_runfile=str(runfile("535.183.01")), nvidia_driver_version=None)
    lab.age(BY_APT, "gpu-foreign")
    before = out(lab, BY_APT, PACKAGES)

    refused = run(lab, BY_APT, "--data", "allow_disruption=yes")
    assert refused.status == 1
    assert f"without these of others: {DEPENDENT}; remove those yourself" in refused.output
    out(lab, BY_APT, f"dpkg --purge {DEPENDENT}")

    lab.age(BY_APT, "gpu-user")
    before = out(lab, BY_APT, PACKAGES)
    refused = run(lab, BY_APT, "--data", "allow_disruption=yes")
    assert refused.status == 1
    assert "the loaded driver cannot be unloaded: it is used by sleep (process" in refused.output
    assert out(lab, BY_APT, PACKAGES) == before
    assert out(lab, BY_APT, LOADED) == "535.247.01"
    assert len(out(lab, BY_APT, "nvidia-smi -L").splitlines()) == 4
    assert lab.run(BY_APT, f"ls {UNDER_WAY}").returncode != 0

    out(lab, BY_APT, "systemctl stop training")
    converged(lab, BY_APT, "--data", "allow_disruption=yes")
    assert out(lab, BY_APT, LOADED) == "535.183.01"
    assert [line.split()[1] for line in out(lab, BY_APT, PACKAGES).splitlines()] == sorted(FOREIGN.split())
    changes_nothing(lab, BY_APT)


def test_preinstalled_with_nouveau_in_its_place(lab):
    lab.configure(nvidia_driver="preinstalled", nvidia_driver_version=None, nvidia_driver_runfile=None)
    out(lab, READY, "rm /etc/modprobe.d/nvidia-installer-disable-nouveau.conf && update-initramfs -u")
    reboot(lab, READY)
    assert out(lab, READY, "ls -d /sys/module/nouveau")

    done = converged(lab, READY)
    assert "rebooting: nouveau is loaded" in done.output
    assert out(lab, READY, LOADED) == "550.54.14"
    assert out(lab, READY, "nvidia-smi --query-gpu=persistence_mode --format=csv,noheader").split() == ["Enabled"] * 4
    changes_nothing(lab, READY)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gpu_fell_off_bus": 2}, "a GPU has fallen off the bus"),
        ({"count_lower": 3}, "nvidia-smi shows 3 of the 4 GPUs on the PCI bus, missing 0000:4e:00.0"),
        ({"na_memory": True}, "reports no memory size ([N/A])"),
        ({"mismatch": "535.183.01"}, "driver/library version mismatch: 535.183.01 is loaded but 550.54.14"),
        ({"hang": True}, "nvidia-smi did not answer within 60 s"),
        ({"count": 0}, "no NVIDIA GPU on the PCI bus"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_fault_of_the_hardware_fails_its_host_by_name_and_cause(lab, changes, said):
    lab.configure(nvidia_driver="preinstalled", nvidia_driver_version=None, nvidia_driver_runfile=None)
    folder = lab.host_directory(READY)
    sound = set_profile(folder)
    set_profile(folder, **changes)
    try:
        power_cycle(lab, READY)
        failed = run(lab, READY)
    finally:  # as of the next boot, with which each of these tests begins
        set_profile(folder, **{name: getattr(sound, name) for name in changes})
    assert failed.status == 1
    assert any(said in line for line in failed.lines(READY)), failed.output
    assert "Traceback" not in failed.output
