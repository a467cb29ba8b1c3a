"""The parsers, checks and policies on what one real NVIDIA H100 answered (docs/hardware.md says how it was asked)."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import Config
from tasks.docker import daemon_json
from tasks.gpu.driver_policy import refusals
from tasks.gpu.facts import gpus
from tasks.gpu.facts.driver import NvidiaDriver, version_in
from tasks.gpu.facts.gpus import Gpu, describe, faults, parse_smi
from tasks.preflight.snapshot import parse_snapshot
from tasks.preflight.verdict import judge
from tasks.reach import text
from tests.unit.preflight_survey import OTHER, WORKER, changed, planned, rows, surveyed, whole
from tests.unit.test_preflight_requirements import BREAK, HIT, KEYS

DATA = Path(__file__).parents[1] / "data/h100"
BUS = ("0000:00:06.0",)
VERSION = "580.159.04"
H100 = Gpu(0, "NVIDIA H100 80GB HBM3", VERSION, 81559, True, BUS[0])


def lines(name: str) -> list[str]:
    return (DATA / f"{name}.txt").read_text().splitlines()


def config(**keys) -> Config:
    return Config.model_validate({"user": "root", **keys})


@pytest.fixture(scope="module")
def seen():
    """The machine as preflight saw it."""
    return parse_snapshot(lines("snapshot"))


def test_nvidia_smi_names_the_gpu():
    report = parse_smi(lines("smi-well"))
    assert (report.status, report.gpus, report.said) == (0, (H100,), "")
    assert describe(report.gpus) == "1 x NVIDIA H100 80GB HBM3"
    assert faults(BUS, report) == []


def test_the_bus_shows_the_gpu_among_other_devices(tmp_path):
    for line in lines("pci-devices"):
        address, vendor, kind = line.split()
        (tmp_path / address).mkdir()
        (tmp_path / address / "vendor").write_text(f"{vendor}\n")
        (tmp_path / address / "class").write_text(f"{kind}\n")
    assert len(list(tmp_path.iterdir())) == 7
    script = text(gpus.BUS).replace("/sys/bus/pci/devices", str(tmp_path))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split()) == BUS


def test_the_open_kernel_modules_version_is_read():
    (first, second) = lines("proc-driver-nvidia-version")
    assert "Open Kernel Module" in first and version_in(first) == VERSION
    assert version_in(second) is None  # gcc's


def test_the_loaded_driver_is_known_without_sys_module(tmp_path):
    """A systemd-nspawn host shows /proc/driver/nvidia and no /sys/module."""
    script = NvidiaDriver().command().get_raw_value().replace("/sys/module", str(tmp_path))
    script = script.replace("/proc/driver/nvidia/version", str(DATA / "proc-driver-nvidia-version.txt"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert NvidiaDriver().process(done.stdout.splitlines()).loaded == VERSION


def test_nvidia_smi_counts_one_line_a_gpu():
    """As tests/hosts counts them in a container."""
    assert [line.partition(" (")[0] for line in lines("nvidia-smi-L")] == ["GPU 0: NVIDIA H100 80GB HBM3"]


@pytest.mark.parametrize(
    ("name", "status", "cause", "remedy"),
    [
        ("smi-no-gpu-node", 6, "No devices were found", "look for NVRM in dmesg"),
        ("smi-no-control-node", 17, "GPU access blocked by the operating system", "check the modes of /dev/nvidia*"),
        ("smi-no-library", 12, "couldn't find libnvidia-ml.so", "install the libraries of the loaded driver"),
    ],
)
def test_what_nvidia_smi_says_when_something_is_taken_from_it(name, status, cause, remedy):
    report = parse_smi(lines(name))
    assert (report.status, report.gpus) == (status, ())
    (found,) = faults(BUS, report)
    assert f"exit status {status}" in found.found and cause in found.found and found.fix.startswith(remedy)


def test_the_snapshot_tells_the_machine(seen):
    assert (seen.os.id, seen.os.version, seen.architecture, seen.kernel) == ("ubuntu", "24.04", "x86_64", "6.18.44")
    assert (seen.cpus, seen.memory // 2**30, seen.cgroup, seen.systemd) == (16, 125, "v2", False)
    assert seen.smi.gpus == (H100,) and not seen.late and seen.sudo_error is None
    assert [each.address for each in seen.addresses] == ["192.0.2.2"]  # no `ip`: the IPv6 address is left out


def test_a_driver_without_package_or_module_file_is_known_by_the_loaded_module(seen):
    driver = seen.driver
    assert (driver.loaded, driver.installed, driver.packages, driver.from_runfile) == (VERSION, None, (), False)
    assert driver.version == VERSION and driver.bus == BUS and not driver.mismatch and not driver.nouveau
    assert "libnccl2" in driver.held  # CUDA's packages are there, held, and none of the driver's


@pytest.mark.parametrize("keys", [{}, {"nvidia_driver_version": "580"}, {"nvidia_driver_version": VERSION}])
def test_preinstalled_accepts_it(seen, keys):
    assert refusals(seen.driver, config(**keys), smi=seen.smi) == []


def test_preinstalled_refuses_it_where_another_version_is_asked_for(seen):
    (found,) = refusals(seen.driver, config(nvidia_driver_version="535"), smi=seen.smi)
    assert found.found.startswith(f"driver {VERSION} is installed but nvidia_driver_version asks for 535")


@pytest.mark.parametrize(
    "keys",
    [
        {"nvidia_driver": "apt", "nvidia_driver_branch": "535-server"},
        {"nvidia_driver": "runfile", "nvidia_driver_runfile": "https://mirror.example/NVIDIA-Linux-x86_64-535.183.01.run",
         "nvidia_driver_runfile_sha256": "0" * 64},
    ],
)  # fmt: skip
def test_no_other_driver_is_installed_over_one_of_the_machines_image(seen, keys):
    offered = ["535.183.01-0ubuntu1"]
    (found,) = refusals(seen.driver, config(**keys), smi=seen.smi, offered=offered)
    assert found.found.startswith(f"driver {VERSION} is loaded but neither apt nor NVIDIA's runfile installed it")
    assert refusals(seen.driver, config(**keys), smi=seen.smi, offered=offered, disruption=True) == []


def test_an_installation_that_broke_off_is_not_taken_for_the_machines_own(seen):
    state = replace(seen.driver, broken_off=True)
    assert refusals(state, config(nvidia_driver="apt", nvidia_driver_branch="535-server"), offered=["535.183.01"]) == []


def placed(seen, **keys):
    """A survey in which the real machine is the worker, under the name and in the network of a captured one."""
    survey = surveyed("bookworm", **keys)
    own = survey.snapshots[WORKER]
    around = {key: getattr(own, key) for key in ("hostname", "addresses", "macs", "machine_id", "peers", "replies")}
    return replace(survey, snapshots={**survey.snapshots, WORKER: replace(seen, **around)})


def test_preflight_finds_the_gpu_well_and_misses_systemd_alone(seen):
    """That machine is started without systemd: the one must that it does not meet, so it is no worker as it stands."""
    assert {(row.host, row.requirement) for row in judge(placed(seen)).failures} == {(WORKER, "systemd")}


@pytest.mark.parametrize("state", ["bare", "deployed"])
def test_a_systemd_host_with_the_gpu_bound_in_is_a_worker(state):
    worker = parse_snapshot(lines(f"worker-{state}"))
    assert (worker.os.id, worker.systemd, worker.cgroup) == ("debian", True, "v2")
    assert worker.smi.gpus == (H100,) and worker.driver.bus == BUS
    assert (worker.driver.loaded, worker.driver.installed) == (VERSION, None)  # it shows no /sys/module
    assert refusals(worker.driver, config(nvidia_driver_version="580"), smi=worker.smi) == []
    assert judge(placed(worker)).failures == []


def test_the_deploy_leaves_a_daemon_with_nvidias_runtime_in_force():
    bare, deployed = (parse_snapshot(lines(f"worker-{state}")) for state in ("bare", "deployed"))
    assert not bare.docker.installed and not bare.nvidia_runtime and deployed.nvidia_runtime
    docker = deployed.docker
    settings = daemon_json.parse(docker.file)
    assert docker.info["DefaultRuntime"] == settings["default-runtime"] == "nvidia"
    assert docker.in_force == settings and daemon_json.confirmed(docker.info, settings)
    assert docker.active and docker.enabled and not docker.needs_daemon_reload
    assert {"docker-ce", "nvidia-container-toolkit"} <= deployed.driver.held


@pytest.mark.parametrize("id", BREAK)
def test_every_requirement_is_met_then_broken_on_it(seen, id):
    """As it would be with systemd, and beside a worker with the same GPU."""
    survey = changed(placed(seen, **KEYS.get(id, {})), systemd=True)
    survey = whole(changed(survey, OTHER, driver=seen.driver, smi=seen.smi))
    survey = replace(survey, layout=planned(survey, gpus=1))
    assert rows(survey, id) == []
    broken = rows(BREAK[id](survey), id)
    assert broken and {row.host for row in broken} <= HIT.get(id, {WORKER})
