"""GPU parsers on what real tools print, and the probes' own shell with programs in their place."""

import os
import subprocess

import pytest
from pyinfra.api import StringCommand

from tasks.gpu.facts import gpus
from tasks.gpu.facts.driver import DriverState, NvidiaDriver, Package
from tasks.gpu.facts.gpus import TIMED_OUT, Gpu, SmiReport, describe, faults, normal_bus_id, parse_smi
from tasks.gpu.facts.toolkit import NvidiaToolkit
from tasks.reach import script, text
from tests.unit.stand_ins import StandIns

H100 = "0, NVIDIA H100 80GB HBM3, 580.159.04, 81559, Enabled, 00000000:00:06.0"
A100 = "1, NVIDIA A100-SXM4-80GB, 535.183.01, 81920, Disabled, 00000000:BD:00.0"


def report(*gpus: str, status: int = 0) -> SmiReport:
    return parse_smi([str(status), *gpus])


def test_a_gpu_is_read_from_nvidia_smis_csv():
    assert report(H100).gpus == (Gpu(0, "NVIDIA H100 80GB HBM3", "580.159.04", 81559, True, "0000:00:06.0"),)


def test_bus_addresses_are_compared_as_sysfs_writes_them():
    assert normal_bus_id("00000000:BD:00.0") == "0000:bd:00.0"
    assert normal_bus_id("0001:0A:00.0") == "0001:0a:00.0"


def test_all_well_is_no_fault():
    assert faults(["0000:00:06.0"], report(H100)) == []


@pytest.mark.parametrize(
    ("status", "said", "cause"),
    [
        (127, "", "nvidia-smi is missing"),
        (TIMED_OUT, "", "did not answer within 60 s"),
        (
            18,
            "Failed to initialize NVML: Driver/library version mismatch",
            "driver/library version mismatch: Failed to initialize NVML",
        ),
        (
            15,
            "Unable to determine the device handle for GPU 0000:BD:00.0: GPU is lost.  Reboot the system to recover",
            "a GPU has fallen off the bus",
        ),
        (
            255,
            "Unable to determine the device handle for GPU0: 0000:BD:00.0: Unknown Error",
            "a GPU has fallen off the bus",
        ),
        (
            9,
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            "exit status 9: NVIDIA-SMI",
        ),
        (6, "No devices were found", "exit status 6: No devices were found"),
    ],
)
def test_each_failure_of_nvidia_smi_is_named(status, said, cause):
    (found,) = map(str, faults(["0000:bd:00.0"], parse_smi([str(status), said])))
    assert cause in found


def test_a_lower_count_than_the_bus_names_the_missing_card():
    (found,) = map(str, faults(["0000:00:06.0", "0000:bd:00.0"], report(H100)))
    assert "shows 1 of the 2 GPUs" in found and "0000:bd:00.0" in found and "0000:00:06.0" not in found


def test_memory_without_a_figure_is_a_fault():
    (found,) = map(str, faults(["0000:00:06.0"], report(H100.replace("81559", "[N/A]"))))
    assert "GPU 0 (NVIDIA H100 80GB HBM3, 0000:00:06.0) reports no memory size ([N/A])" in found


def test_a_bus_without_gpus_is_a_fault():
    assert "no NVIDIA GPU on the PCI bus" in str(faults([], SmiReport())[0])


def test_a_lost_gpu_amid_good_lines_is_not_lost_from_sight():
    lines = ["0", H100, "1, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], 00000000:BD:00.0"]
    found = " ".join(map(str, faults(["0000:00:06.0", "0000:bd:00.0"], parse_smi(lines))))
    assert "reports no memory size" in found


def test_gpus_in_a_phrase():
    assert describe(report(A100, A100.replace("1,", "2,", 1), H100).gpus) == (
        "2 x NVIDIA A100-SXM4-80GB, 1 x NVIDIA H100 80GB HBM3"
    )
    assert describe([]) == "none"


def probe(script: str, path: str) -> list[str]:
    environment = {**os.environ, "PATH": f"{path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.splitlines()


def smi(limit: int = 10) -> str:
    """The program that asks nvidia-smi, with its answer's time limit in seconds."""
    return script(gpus.SMI, ",".join(gpus._FIELDS), limit).get_raw_value()


def program(folder, text: str) -> None:
    file = folder / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_the_probe_gives_status_and_words(tmp_path):
    program(tmp_path, f"echo '{H100}'")
    assert parse_smi(probe(smi(), str(tmp_path))) == report(H100)
    program(tmp_path, "echo 'No devices were found'; exit 6")
    assert parse_smi(probe(smi(), str(tmp_path))) == SmiReport(6, (), "No devices were found")


def test_the_probe_outlives_an_nvidia_smi_that_hangs_and_heeds_no_signal(tmp_path):
    program(tmp_path, "trap '' TERM INT HUP; while :; do sleep 1; done")
    assert parse_smi(probe(smi(limit=1), str(tmp_path))).status == TIMED_OUT


def test_the_probe_on_a_host_without_nvidia_smi(tmp_path):
    assert parse_smi(probe(smi(), str(tmp_path))).status == gpus.NOT_FOUND == 127


def test_the_bus_probe_lists_nvidias_display_controllers_alone(tmp_path):
    cards = {
        "0000:00:06.0": ("0x10de", "0x030200"),
        "0000:01:00.0": ("0x10de", "0x030000"),
        "0000:01:00.1": ("0x10de", "0x040300"),
        "0000:02:00.0": ("0x1a03", "0x030000"),
        "0000:03:00.0": ("0x10de", "0x068000"),
    }
    for address, (vendor, pci_class) in cards.items():
        (tmp_path / address).mkdir()
        (tmp_path / address / "vendor").write_text(f"{vendor}\n")
        (tmp_path / address / "class").write_text(f"{pci_class}\n")
    assert probe(text(gpus.BUS).replace("/sys/bus/pci/devices", str(tmp_path)), "/bin") == [
        "0000:00:06.0",
        "0000:01:00.0",
    ]


PACKAGES = """\
hold|hi |installed|nvidia-driver|535.1-1|nvidia-graphics-drivers|nvidia-a (= 1) | nvidia-b, libc6
install|ii |installed|libcuda1|535.1-1|nvidia-graphics-drivers|
deinstall|rc |config-files|libnvcuvid1|525.1-1|nvidia-graphics-drivers|
install|iF |half-configured|nvidia-kernel-dkms|535.1-1|nvidia-graphics-drivers|dkms
install|ii |installed|nvidia-fabricmanager-535|535.1-1|fabricmanager-535|
install|ii |installed|linux-headers-6.1.0-1-amd64|6.1.1-1|linux|
deinstall|rc |config-files|linux-headers-6.1.0-0-amd64|6.1.0-1|linux|
install|ii |installed|linux-image-amd64|6.1.1-1|linux-signed-amd64|linux-image-6.1.0-1-amd64 (= 6.1.1-1) | other
hold|hi |installed|docker-ce|5:24.0|docker-ce|containerd.io, nvidia
"""


@pytest.fixture
def driver(tmp_path):
    """The driver fact of a host with these packages, units as systemctl shows them, and what modinfo says."""
    (tmp_path / "packages").write_text(PACKAGES)
    programs = StandIns(tmp_path)
    programs.real("readlink", "sort")
    programs.add("dpkg-query", does=f"cat {tmp_path}/packages")
    programs.add("modprobe", does="echo insmod /lib/first.ko; echo install modprobe -i nvidia-current '$CMDLINE_OPTS'")

    def ask(units: str = "", modinfo: str = ":") -> DriverState:
        programs.add("systemctl", does=f"printf '{units}'")
        programs.add("modinfo", does=modinfo)
        program = NvidiaDriver().command().get_raw_value()
        there = program.replace("/proc/$main/", f"{tmp_path}/$main-").replace("/boot/", f"{tmp_path}/boot/")
        return NvidiaDriver().process(programs.run(StringCommand(there)).stdout.splitlines())

    return programs, ask


def test_dpkg_is_asked_once_and_every_package_is_told_by_what_it_is(driver):
    programs, ask = driver
    found = ask()
    assert found.packages == (
        Package("nvidia-driver", "535.1-1", True),
        Package("libcuda1", "535.1-1", True),
        Package("nvidia-kernel-dkms", "535.1-1", False),
    )
    assert found.held == {"nvidia-driver", "docker-ce"}
    assert found.fabric_packages == {"nvidia-fabricmanager-535"}
    assert found.kernels.headers == {"linux-headers-6.1.0-1-amd64"}
    assert found.kernels.images == (("linux-image-amd64", "6.1.1-1"),)
    assert [call[0] for call in programs.calls].count("dpkg-query") == 1


ACTIVE = "ActiveState=active\\nUnitFileState=enabled\\n"


@pytest.mark.parametrize(
    ("units", "fabric", "installing"),
    [
        (f"MainPID=7\\n{ACTIVE}\\nMainPID=0\\nActiveState=inactive\\n", {"active", "enabled"}, False),
        (f"MainPID=8\\n{ACTIVE}\\nMainPID=9\\nActiveState=activating\\n", {"enabled"}, True),
        ("MainPID=0\\nActiveState=inactive\\nUnitFileState=\\n\\nActiveState=active\\n", {"inactive"}, True),
        ("", set(), False),
    ],
    ids=["well", "replaced", "none", "no systemd"],
)
def test_the_fabric_managers_unit_and_an_installations_are_told_apart(driver, tmp_path, units, fabric, installing):
    (tmp_path / "7-exe").symlink_to("/usr/bin/nv-fabricmanager")
    (tmp_path / "8-exe").symlink_to("/usr/bin/nv-fabricmanager (deleted)")
    found = driver[1](units)
    assert (found.fabric_unit, found.installing) == (fabric, installing)


@pytest.mark.parametrize(
    ("fields", "installed", "signed"),
    [
        ("version 535.183.01 signer me", "535.183.01", True),
        ("version 535.183.01", "535.183.01", False),
        ("", None, False),
    ],
)
def test_the_module_is_found_once_and_asked_for_its_version_and_its_signer(driver, fields, installed, signed):
    programs, ask = driver
    words = "".join(f"{name}) echo {value} ;; " for name, value in zip(*[iter(fields.split())] * 2, strict=True))
    found = ask(modinfo=f"case $2-$5 in {words.replace(')', '-nvidia-current)')} esac")
    assert (found.installed, found.signed) == (installed, signed)
    assert [call[0] for call in programs.calls].count("modprobe") == 1


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ({}, "unknown"),
        ({"a_Packages": "Package: linux-headers-9\n"}, "missing"),
        ({"a_Packages": "Package: linux-headers-9\n", "b_Packages": "Package: linux-headers-9.1\n"}, "offered"),
        ({"a_Packages": "", "b_Packages.lz4": "Package: linux-headers-9.1\n"}, "offered"),
        ({"a_Packages": "", "b_Packages.lz4": "Package: linux-headers-9.11\n"}, "missing"),
    ],
)
def test_headers_are_looked_for_in_apts_lists_compressed_or_not(tmp_path, lists, found):
    programs = StandIns(tmp_path)
    programs.add("uname", does="echo 9.1")
    programs.add("apt-helper", does='shift; exec cat "$@"')
    (tmp_path / "lists").mkdir()
    for name, lines in lists.items():
        (tmp_path / "lists" / name).write_text(lines)
    program = NvidiaDriver().command().get_raw_value().replace('in_shell "$bus"', "echo 0000:1b:00.0")
    there = program.replace("/var/lib/apt/lists/", f"{tmp_path}/lists/").replace(
        "/usr/lib/apt/apt-helper", "apt-helper"
    )
    assert NvidiaDriver().process(programs.run(StringCommand(there)).stdout.splitlines()).headers == found


def test_devices_without_a_link_by_their_number_are_named(tmp_path):
    programs = StandIns(tmp_path)
    (tmp_path / "char").mkdir()
    (tmp_path / "char/1:5").touch()
    program = NvidiaToolkit().command("/none").get_raw_value().replace("/dev/char/", f"{tmp_path}/char/")
    there = program.replace("/dev/nvidia[0-9]*", "/dev/null /dev/zero").replace("/dev/nvidiactl", "/dev/tty")
    found = NvidiaToolkit().process(programs.run(StringCommand(there)).stdout.splitlines())
    assert found.unlinked == ("1:3", "5:0")
    without = there.replace("/dev/null /dev/zero /dev/tty", "/dev/none")
    assert NvidiaToolkit().process(programs.run(StringCommand(without)).stdout.splitlines()).unlinked == ()
