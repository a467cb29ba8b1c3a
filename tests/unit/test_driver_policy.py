"""What a driver's state asks for, and what forbids it."""

import dataclasses
import hashlib

import pytest

from cluster import Config
from tasks.gpu import runfile
from tasks.gpu.driver_policy import (
    apt_packages,
    fabric_package,
    fitting,
    install_needed,
    is_wanted,
    no_fabric_manager,
    refusals,
    wanted_version,
)
from tasks.gpu.facts.driver import DriverState, NvidiaDriver, Package, version_in
from tasks.gpu.facts.gpus import parse_smi
from tasks.gpu.facts.kernels import Kernels
from tests.sections import sections

BUS = ("0000:00:06.0",)
GOOD = parse_smi(["0", "0, NVIDIA A100-SXM4-80GB, 535.183.01, 81920, Enabled, 00000000:00:06.0"])
BARE = DriverState(kernel="5.15.0-91-generic", os="ubuntu", bus=BUS, nouveau=True, initramfs_tool="update-initramfs")
RUNNING = dataclasses.replace(BARE, nouveau=False, loaded="535.183.01", installed="535.183.01")
APT = (Package("nvidia-driver-535", "535.183.01-0ubuntu1", True),)


def config(**keys) -> Config:
    return Config.model_validate({"user": "paiadmin", **keys})


@pytest.fixture
def from_runfile(tmp_path):
    file = tmp_path / "NVIDIA-Linux-x86_64-535.183.01.run"
    file.write_text("#!/bin/sh\n")
    return config(nvidia_driver="runfile", nvidia_driver_runfile=str(file))


FROM_APT = config(nvidia_driver="apt", nvidia_driver_branch="535-server")
PREINSTALLED = config()


def test_the_version_wanted_comes_from_the_key_the_runfile_or_the_branch(from_runfile):
    assert wanted_version(config(nvidia_driver_version="550.90")) == "550.90"
    assert wanted_version(from_runfile) == "535.183.01"
    assert wanted_version(FROM_APT) == "535"
    assert wanted_version(PREINSTALLED) is None


def test_a_version_is_matched_at_its_dots():
    assert is_wanted("535.183.01", config(nvidia_driver_version="535"))
    assert is_wanted("535.183.01", config(nvidia_driver_version="535.183.01"))
    assert not is_wanted("535.183.01", config(nvidia_driver_version="535.18"))
    assert is_wanted("470.256.02", PREINSTALLED) and not is_wanted(None, PREINSTALLED)


def test_the_right_version_loaded_means_nothing_to_do(from_runfile):
    for chosen in (PREINSTALLED, FROM_APT, from_runfile):
        assert not install_needed(RUNNING, chosen)
        assert refusals(RUNNING, chosen, smi=GOOD) == []


def test_a_bare_worker_may_be_installed_on(from_runfile):
    assert install_needed(BARE, from_runfile) and refusals(BARE, from_runfile) == []
    assert install_needed(BARE, FROM_APT) and refusals(BARE, FROM_APT, offered=["535.183.01-0ubuntu1"]) == []


def test_an_installation_that_broke_off_is_repeated_whatever_is_on_the_disk(from_runfile):
    assert install_needed(dataclasses.replace(RUNNING, broken_off=True), from_runfile)


def refused(state, chosen, **more) -> str:
    found = refusals(state, chosen, **more)
    assert found, "nothing was refused"
    return " ".join(map(str, found))


def test_secure_boot_refuses_an_unsigned_driver(from_runfile):
    locked = dataclasses.replace(BARE, secure_boot=True)
    assert "Secure Boot is on" in refused(locked, from_runfile)
    on_disk = dataclasses.replace(locked, installed="535.183.01")
    assert "not signed" in refused(on_disk, PREINSTALLED)
    assert refusals(dataclasses.replace(on_disk, signed=True), PREINSTALLED) == []
    assert refusals(dataclasses.replace(RUNNING, secure_boot=True), PREINSTALLED, smi=GOOD) == []


def test_missing_headers_are_refused_only_where_something_is_built(from_runfile):
    lacking = dataclasses.replace(BARE, headers="missing")
    assert "linux-headers-5.15.0-91-generic is in none" in refused(lacking, from_runfile)
    assert refusals(dataclasses.replace(RUNNING, headers="missing"), from_runfile, smi=GOOD) == []


def test_a_mismatch_of_others_is_refused_and_our_own_awaits_its_reboot():
    upgraded = dataclasses.replace(RUNNING, installed="535.216.03")
    for chosen in (PREINSTALLED, FROM_APT):
        assert "driver/library version mismatch: 535.183.01 is loaded but 535.216.03" in refused(upgraded, chosen)
    ours = dataclasses.replace(upgraded, recorded="535.216.03")
    assert ours.awaits_reboot and refusals(ours, FROM_APT) == []


def test_nvidia_smis_own_mismatch_is_refused():
    smi = parse_smi(["18", "Failed to initialize NVML: Driver/library version mismatch"])
    assert "driver/library version mismatch" in refused(RUNNING, PREINSTALLED, smi=smi)


def test_a_driver_of_the_other_kind_is_refused(from_runfile):
    other = dataclasses.replace(RUNNING, loaded="470.256.02", installed="470.256.02")
    by_runfile = dataclasses.replace(other, from_runfile=True)
    assert "nvidia-uninstall" in refused(by_runfile, FROM_APT, offered=["535.183.01-0ubuntu1"])
    by_apt = dataclasses.replace(other, packages=APT)
    assert "was installed from apt" in refused(by_apt, from_runfile)
    assert refusals(by_apt, from_runfile, disruption=True) == []
    leftover = dataclasses.replace(BARE, packages=APT)
    assert refusals(leftover, from_runfile) == []


def test_a_version_that_apt_does_not_offer_is_refused():
    pinned = config(nvidia_driver="apt", nvidia_driver_branch="535", nvidia_driver_version="535.999.01")
    text = refused(BARE, pinned, offered=["535.183.01-0ubuntu1"])
    assert "nvidia-driver-535 535.999.01 is in none" in text and "offered: 535.183.01-0ubuntu1" in text
    assert "offered: none" in refused(BARE, FROM_APT, offered=[])


def test_ubuntu_needs_a_branch_and_debian_has_none():
    chosen = config(nvidia_driver="apt")
    assert "set nvidia_driver_branch" in refused(BARE, chosen, offered=[])
    assert refusals(dataclasses.replace(BARE, os="debian"), chosen, offered=["535.183.01-1~deb12u1"]) == []
    assert apt_packages(chosen) == ["nvidia-driver", "nvidia-smi", "libcuda1"]
    assert apt_packages(FROM_APT) == ["nvidia-driver-535-server"]


def test_who_would_lose_by_a_reboot_forbids_it_before_anything_changes(from_runfile):
    busy = dataclasses.replace(BARE, at_work=("person ann", "vm kvm (process 7)"))
    said = refused(busy, from_runfile)
    assert "nouveau is loaded, but virtual machines run (kvm (process 7)), people are logged in (ann)" in said
    assert said.endswith("; stop them, or allow the reboot with --data allow_disruption=yes [reboot-at-work]")
    assert refusals(busy, from_runfile, disruption=True) == []
    old = dataclasses.replace(RUNNING, loaded="470.256.02", installed="470.256.02", at_work=("person ann",))
    assert "must be replaced but people are logged in (ann)" in refused(old, FROM_APT)
    assert refusals(old, from_runfile) == [], "a runfile takes no reboot"


def test_containers_forbid_replacing_a_loaded_driver(from_runfile):
    two = ("container containerd-shim",) * 2
    busy = dataclasses.replace(RUNNING, loaded="470.256.02", installed="470.256.02", at_work=two)
    assert "2 containers run" in refused(busy, from_runfile)
    assert refusals(busy, from_runfile, disruption=True) == []


def test_no_preinstalled_driver_or_another_version_is_refused():
    assert "no NVIDIA driver is installed for kernel 5.15.0-91-generic" in refused(BARE, PREINSTALLED)
    text = refused(RUNNING, config(nvidia_driver_version="550"), smi=GOOD)
    assert "driver 535.183.01 is installed but nvidia_driver_version asks for 550" in text


def test_an_initramfs_that_nothing_can_rebuild_is_refused(from_runfile):
    stuck = dataclasses.replace(BARE, initramfs_tool="", stale_initramfs=("5.15.0-91-generic",))
    assert "apt-get install initramfs-tools" in refused(stuck, from_runfile)


def test_no_gpu_is_refused_and_everything_wrong_is_said_at_once(from_runfile):
    assert "no NVIDIA GPU on the PCI bus" in refused(dataclasses.replace(BARE, bus=()), from_runfile)
    assert len(refusals(dataclasses.replace(BARE, secure_boot=True, headers="missing"), from_runfile)) == 2


def test_an_installation_of_an_earlier_run_is_not_judged_before_it_ends(from_runfile):
    assert refusals(dataclasses.replace(BARE, installing=True, secure_boot=True), from_runfile) == []


def test_the_runfile_must_be_the_one_that_was_meant(from_runfile, tmp_path):
    assert runfile.problem(from_runfile) is None
    assert runfile.digest(from_runfile) == hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    wrong = from_runfile.model_copy(update={"nvidia_driver_runfile_sha256": "0" * 64})
    assert "has sha256" in refused(BARE, wrong)
    absent = from_runfile.model_copy(update={"nvidia_driver_runfile": str(tmp_path / "NVIDIA-1.run")})
    assert "no file" in refused(BARE, absent)
    url = config(nvidia_driver="runfile", nvidia_driver_runfile="https://example.com/NVIDIA-535.183.01.run")
    assert "set nvidia_driver_runfile_sha256" in str(runfile.problem(url))
    assert "names none" in str(runfile.problem(config(nvidia_driver="runfile")))


def test_a_runfile_whose_name_shows_no_version_needs_the_key(tmp_path):
    file = tmp_path / "driver.run"
    file.touch()
    chosen = config(nvidia_driver="runfile", nvidia_driver_runfile=str(file))
    assert "set nvidia_driver_version" in refused(BARE, chosen)


def test_apts_versions_that_fit():
    offered = ["550.90.07-1", "535.216.03-1", "535.183.01-1"]
    assert fitting(offered, config(nvidia_driver_version="535")) == offered[1:]
    assert fitting(offered, PREINSTALLED) == offered


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024", "535.183.01"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (dvs)", "580.159.04"),
        ("NVIDIA-Linux-x86_64-390.157.run", "390.157"),
        ("NVIDIA-Linux-x86_64-latest.run", None),
    ],
)
def test_versions_are_found_where_nvidia_writes_them(text, version):
    assert version_in(text) == version


SECTIONS = {
    "kernel": "6.8.0-45-generic", "compiler": "13", "os": "ubuntu", "bus": "0000:00:06.0\n0000:00:07.0", "nouveau": "",
    "loaded": "535.183.01", "installed": "535.183.01", "signer": "", "record": "535.183.01",
    "packages": "ii |nvidia-driver-535|535.183.01-0ubuntu1|nvidia-graphics-drivers-535\n"
    "ii |libnvidia-container1|1.16.2-1|libnvidia-container\n"
    "iF |nvidia-dkms-535|535.183.01-0ubuntu1|nvidia-graphics-drivers-535\n"
    "rc |nvidia-utils-470|470.256.02-0ubuntu1|nvidia-graphics-drivers-470\nun |nvidia-common||\n"
    "hi |libnvidia-compute-535|535.183.01-0ubuntu1|nvidia-graphics-drivers-535\n"
    "ii |nvidia-cuda-toolkit|11.5|nvidia-cuda-toolkit",
    "runfile": "", "under_way": "", "held": "nvidia-driver-535", "unit": "inactive", "headers": "present",
    "secure_boot": "   1", "at_work": "container containerd-shim\ngpu python3 (process 7)",
    "initramfs_tool": "/usr/sbin/update-initramfs", "stale": "",
    "switches": "0000:05:00.0\n0000:06:00.0", "fabric": "Fabric Manager version is : 535.183.01",
    "fabric_unit": "active\nenabled",
    "fabric_packages": "installed nvidia-fabricmanager-535\ninstalled nvidia-fabricmanager-dev-535\n"
    "not-installed nvidia-fabricmanager",
    "next": "6.8.0-49-generic", "next_module": "",
    "dkms": "/var/lib/dkms/nvidia/535.183.01/source\n/var/lib/dkms/nvidia-fs/2.17.5/source",
    "images": "installed|linux-image-generic|6.8.0-49.49|linux-image-6.8.0-49-generic, linux-firmware\n"
    "installed|linux-image-6.8.0-49-generic|6.8.0-49.49|kmod | kldutils, linux-modules-6.8.0-49-generic\n"
    "not-installed|linux-image-virtual||\n"
    "installed|linux-image-amd64-dbg|6.1.192-2|linux-image-6.1.0-56-amd64-dbg (= 6.1.192-2)",
    "header_packages": "installed linux-headers-6.8.0-45-generic\ndeinstall linux-headers-generic",
}  # fmt: skip


def test_the_fact_is_read():
    found = NvidiaDriver().process(sections(**SECTIONS))
    assert found.bus == ("0000:00:06.0", "0000:00:07.0") and found.loaded == "535.183.01" and found.secure_boot
    assert [(package.name, package.complete) for package in found.packages] == [
        ("nvidia-driver-535", True),
        ("nvidia-dkms-535", False),
        ("libnvidia-compute-535", True),
    ]
    assert found.initramfs_tool == "update-initramfs" and len(found.at_work) == 2 and not found.installing
    assert not found.mismatch and not found.broken_off and found.held == {"nvidia-driver-535"}
    assert found.switches == ("0000:05:00.0", "0000:06:00.0") and found.fabric == "535.183.01"
    assert found.kernels == Kernels(
        next="6.8.0-49-generic",
        images=(("linux-image-generic", "6.8.0-49.49"),),
        headers=frozenset({"linux-headers-6.8.0-45-generic"}),
        dkms=("nvidia/535.183.01",),
    )
    assert found.next_module is None
    assert found.fabric_unit == {"active", "enabled"} and found.fabric_packages == {"nvidia-fabricmanager-535"}


def test_the_fabric_manager_is_that_of_exactly_the_driver():
    offers = {"nvidia-fabricmanager-535": ("535.216.03-1", "535.183.01-1", "535.183.01-0ubuntu0.22.04.1")}
    assert fabric_package("535.183.01", offers) == "nvidia-fabricmanager-535=535.183.01-1"
    assert fabric_package("535.183", offers) == "nvidia-fabricmanager-535=535.183.01-1"
    assert fabric_package("550.54.14", offers) is None
    assert fabric_package("580.65.06", {"nvidia-fabricmanager": ("580.65.06-1",)}) == "nvidia-fabricmanager=580.65.06-1"
    missing = str(no_fabric_manager("535.54.03", offers))
    assert "nvidia-fabricmanager-535 535.54.03 is in none of the host's apt sources (offered: 535.216.03-1," in missing


@pytest.mark.parametrize(
    ("name", "source", "ours"),
    [
        ("libcuda1", "nvidia-graphics-drivers", True),
        ("libcudadebugger1", "nvidia-graphics-drivers", True),
        ("nvidia-tesla-535-kernel-dkms", "nvidia-graphics-drivers-tesla-535", True),
        ("nvidia-open-kernel-dkms", "nvidia-open-gpu-kernel-modules", True),
        ("nvidia-persistenced", "nvidia-persistenced", True),
        ("nvidia-kernel-common", "nvidia-support", True),
        ("linux-modules-nvidia-535-server-generic", "linux-restricted-modules", True),
        ("nvidia-mig-manager", "nvidia-mig-manager", False),
        ("nvidia-gds", "nvidia-gds", False),
        ("nvidia-fs-dkms", "nvidia-cuda-toolkit", False),
        ("nvidia-driver-local-repo-ubuntu2204-535.183.01", "nvidia-driver-local-repo-ubuntu2204-535.183.01", False),
        ("nvidia-fabricmanager-535", "fabric-manager-535", False),
        ("nvidia-prime", "nvidia-prime", False),
        ("nvidia-profiler", "nvidia-cuda-toolkit", False),
    ],
)
def test_the_drivers_packages_are_known_by_their_source(name, source, ours):
    found = NvidiaDriver().process(sections(**{**SECTIONS, "packages": f"ii |{name}|1.0|{source}"}))
    assert [package.name for package in found.packages] == [name] * ours
