"""The plan of the GPU stages, and the order in which they run, on fake workers."""

from io import StringIO
from pathlib import Path

import pytest
from pyinfra import logger
from pyinfra.api import FileUploadCommand
from pyinfra.context import ctx_host

from tasks.gpu import deploy
from tasks.systemd.facts import BOOT_ID
from tests.plan import gpu_answers
from tests.plan.conftest import planned
from tests.sections import sections

WORKER, NEIGHBOUR = "@fake/openpai-001", "@fake/openpai-002"
DRIVER_FACT = "modinfo -F"


def keys(folder, text: str) -> None:
    with (folder / "config.yaml").open("a") as config:
        config.write(text)


def titles(operations: list[str]) -> list[str]:
    return [name.removeprefix("GPU driver | ") for name in operations]


def others_running(**own):
    """Answers of a cluster whose hosts all run the right driver, but for those named."""
    running = {DRIVER_FACT: gpu_answers.RUNNING, "nvidia-smi --query-gpu": gpu_answers.SMI}
    names = ["dev-box", "openpai-master-01", *(f"openpai-{number:03d}" for number in range(1, 5))]
    return {name: own.get(name.replace("-", "_"), running) for name in names}


@pytest.fixture
def runfile(folder, tmp_path):
    file = tmp_path / "NVIDIA-Linux-x86_64-535.183.01.run"
    file.write_text("#!/bin/sh\n")
    keys(folder, f"nvidia_driver: runfile\nnvidia_driver_runfile: {file}\nreboot_timeout: 1\n")
    return file


def test_a_bare_worker_gets_the_guides_steps_in_order(folder, runfile):
    with planned(folder, deploy.install_driver) as plan:
        found = titles(plan.operations(WORKER))
    steps = [
        "nouveau is blacklisted",
        "The initramfs knows the blacklist",
        "Reboot where nouveau is loaded",
        "Kernel headers and compiler",
        "NVIDIA driver",
    ]
    assert [title for title in found if title in steps] == steps


def test_nothing_is_rebooted_or_installed_where_the_right_driver_runs(folder, runfile):
    answers = {DRIVER_FACT: gpu_answers.RUNNING, "nvidia-smi --query-gpu": gpu_answers.SMI}
    with planned(folder, deploy.install_driver, {"openpai-001": answers}) as plan:
        found = titles(plan.operations(WORKER))
    assert not [title for title in found if title.startswith(("Reboot", "Kernel", "NVIDIA driver", "The driver"))]


def test_a_plan_of_the_gpu_stages_changes_nothing(folder, runfile):
    with planned(folder, deploy.install_driver) as plan:
        for command in plan.commands(WORKER):
            for word in ("systemd-run", "systemctl reboot", "apt-get", "update-initramfs -u", "modprobe nvidia"):
                assert word not in command


def test_a_refusal_stops_that_host_before_it_changes_and_no_other(folder, runfile, caplog):
    logger.propagate = True
    locked = {DRIVER_FACT: gpu_answers.answer(secure_boot="1", headers="missing", nouveau="yes")}
    with planned(folder, deploy.install_driver, others_running(openpai_001=locked)) as plan:
        before = len(plan.commands(WORKER))
        plan.run()
        assert {host.name for host in plan.state.failed_hosts} == {WORKER}
        changes = [text for text in plan.commands(WORKER)[before:] if "section() " not in text]
        assert all("apt-get" in text and " update" in text for text in changes), changes
    assert "Secure Boot is on" in caplog.text and "linux-headers-6.1.0-25-amd64 is in none" in caplog.text
    assert "Traceback" not in caplog.text


def test_running_containers_keep_a_host_from_its_reboot(folder, runfile, caplog):
    logger.propagate = True
    two = "container containerd-shim\ncontainer containerd-shim"
    busy = gpu_answers.answer(nouveau="yes", at_work=two)
    boot = sections(boot_id="1-2-3", at_work=two)
    answers = {DRIVER_FACT: busy, "boot_id": boot}
    with planned(folder, deploy.install_driver, others_running(openpai_001=answers)) as plan:
        plan.run()
        assert {host.name for host in plan.state.failed_hosts} == {WORKER}
        assert not [text for text in plan.commands(WORKER) if "systemctl reboot" in text]
    assert "nouveau is loaded, but 2 containers run on the host" in caplog.text


def test_another_vendors_devices_are_left_alone(folder):
    keys(folder, "gpu_type: amd\n")
    for stage in (deploy.install_driver, deploy.install_runtime):
        with planned(folder, stage) as plan:
            assert plan.all_operations(WORKER) == []


def test_the_guides_package_name_is_honoured(folder):
    keys(folder, "nvidia_toolkit_package: nvidia-container-runtime\n")
    with planned(folder, deploy.install_runtime) as plan:
        assert any("nvidia-container-runtime" in text for text in plan.commands(WORKER) if "dpkg-query" in text)


def test_a_dead_source_of_the_guides_is_moved_aside_and_kept(folder):
    old = {"nvidia-docker.list": ["user=root group=root mode=-rw-r--r-- atime=0 mtime=0 ctime=0 size=1 'x'"]}
    with planned(folder, deploy.install_runtime, {"openpai-001": old}) as plan:
        title = "GPU container runtime | No package source of the toolkit's predecessors"
        assert title in plan.operations(WORKER) and title not in plan.operations(NEIGHBOUR)
        kept = "/etc/apt/sources.list.d/nvidia-docker.list.openpai.disabled"
        (moved,) = (text for text in plan.texts() if kept in text)
        assert moved.split()[:3] == ["mv", "--backup=numbered", "-T"]


def test_the_machine_that_pyinfra_runs_on_is_never_rebooted(folder, runfile, caplog):
    logger.propagate = True
    here = sections(boot_id=Path(BOOT_ID).read_text().strip(), at_work="")
    answers = {DRIVER_FACT: gpu_answers.answer(nouveau="yes"), "boot_id": here}
    with planned(folder, deploy.install_driver, others_running(openpai_001=answers)) as plan:
        plan.run()
        assert not [text for text in plan.commands(WORKER) if "systemctl reboot" in text]
    assert "this is the machine that pyinfra runs on; reboot it yourself" in caplog.text


def hgx(**own: str):
    """A worker with NVSwitches and a loaded driver, and what else its facts answer."""
    offers = {"nvidia-fabricmanager-535": ("535.216.03-1", "535.183.01-1")}
    lines = [f"{name} | {version} | https://example.com" for name, all in offers.items() for version in all]
    return {
        DRIVER_FACT: gpu_answers.answer(**{**gpu_answers.HGX, **own}),
        "nvidia-smi --query-gpu": gpu_answers.SMI,
        "apt-cache": sections(offers="\n".join(lines)),
    }


FABRIC_MANAGER = "The fabric manager, where there are NVSwitches"
READY = {
    "fabric": "Fabric Manager version is : 535.183.01",
    "fabric_unit": "active\nenabled",
    "fabric_packages": "installed nvidia-fabricmanager-535",
    "held": "nvidia-fabricmanager-535",
}


@pytest.mark.parametrize(
    ("own", "word"),
    [
        ({}, "nvidia-fabricmanager-535=535.183.01-1"),
        ({**READY, "fabric": "Fabric Manager version is : 535.216.03"}, "nvidia-fabricmanager-535=535.183.01-1"),
        ({**READY, "held": ""}, "apt-mark hold nvidia-fabricmanager-535"),
        ({**READY, "fabric_unit": "inactive\nenabled"}, "systemctl restart"),
        ({**READY, "fabric_unit": "active\ndisabled"}, "systemctl --root=/ enable"),
        (READY, None),
        ({**READY, "fabric_packages": "", "held": ""}, None),
    ],
)
def test_nvswitches_get_the_drivers_own_fabric_manager_held_and_running(folder, own, word):
    with planned(folder, deploy.install_driver, {"openpai-001": hgx(**own)}) as plan:
        assert (FABRIC_MANAGER in titles(plan.operations(WORKER))) is (word is not None)
        assert FABRIC_MANAGER not in titles(plan.operations(NEIGHBOUR))
        assert word is None or any(word in text for text in plan.texts())


def test_a_held_fabric_manager_of_another_branch_is_let_go(folder):
    other = {**READY, "fabric": "Fabric Manager version is : 550.54.14", "held": "nvidia-fabricmanager-550"}
    other["fabric_packages"] = "installed nvidia-fabricmanager-550"
    with planned(folder, deploy.install_driver, {"openpai-001": hgx(**other)}) as plan:
        texts = list(plan.texts())
    unhold, install = ([n for n, text in enumerate(texts) if words in text] for words in ("unhold", "=535.183.01-1"))
    assert unhold and install and unhold[0] < install[0] and "nvidia-fabricmanager-550" in texts[unhold[0]]


def test_a_worker_whose_fabric_manager_nobody_offers_is_stopped_before_it_changes(folder, caplog):
    logger.propagate = True
    lacking = {**hgx(), "apt-cache": sections(offers="nvidia-fabricmanager-535 | 535.216.03-1 | https://example.com")}
    with planned(folder, deploy.install_driver, others_running(openpai_001=lacking)) as plan:
        before = len(plan.commands(WORKER))
        plan.run()
        assert {host.name for host in plan.state.failed_hosts} == {WORKER}
        changes = [text for text in plan.commands(WORKER)[before:] if "section() " not in text]
        assert all("apt-get" in text and " update" in text for text in changes), changes
    assert "nvidia-fabricmanager-535 535.183.01 is in none of the host's apt sources" in caplog.text


UNATTENDED = "GPU driver | Unattended upgrades leave driver and kernel together"
HEADERS = "GPU driver | Headers for later kernels, where DKMS builds the driver"
DRIFTED = {
    "loaded": "535.183.01", "installed": "535.183.01", "next": "6.1.0-56-amd64", "os": "debian",
    "packages": "hi |nvidia-kernel-dkms|535.183.01-1|nvidia-graphics-drivers",
    "dkms": "/var/lib/dkms/nvidia-current/535.183.01/source",
    "images": "installed|linux-image-amd64|6.1.176-1|linux-image-6.1.0-56-amd64 (= 6.1.176-1)",
}  # fmt: skip
OFFERED = "\n".join(
    f"{name} | {version} | https://example.com"
    for name, version in (("linux-headers-amd64", "6.12.9-1"), ("linux-headers-amd64", "6.1.192-2"),
                          ("linux-headers-6.1.0-56-amd64", "6.1.176-1"))
)  # fmt: skip


def kernels_of(**own: str):
    """A worker of apt's driver whose next boot takes another kernel, and what apt offers to it."""
    return {
        DRIVER_FACT: gpu_answers.answer(**{**DRIFTED, **own}),
        "nvidia-smi --query-gpu": gpu_answers.SMI,
        "apt-cache": sections(offers=OFFERED),
    }


def test_headers_come_with_kernels_and_for_the_next_boots_where_dkms_builds_the_driver(folder):
    keys(folder, "nvidia_driver: apt\nnvidia_driver_version: 535.183.01\n")
    ready = {"headers": "present", "header_packages": "installed linux-headers-amd64", "next_module": "535.183.01"}
    with planned(
        folder, deploy.install_driver, {"openpai-001": kernels_of(), "openpai-002": kernels_of(**ready)}
    ) as plan:
        assert HEADERS in plan.operations(WORKER) and HEADERS not in plan.operations(NEIGHBOUR)
        (install,) = {text for text in plan.texts() if "linux-headers-6.1.0-56-amd64=6.1.176-1" in text}
    assert "linux-headers-amd64=6.1.192-2" in install and "=6.12.9-1" not in install


def test_dkms_builds_for_the_next_boots_kernel_once_its_headers_are_there(folder):
    keys(folder, "nvidia_driver: apt\nnvidia_driver_version: 535.183.01\n")
    ready = {"header_packages": "installed linux-headers-amd64\ninstalled linux-headers-6.1.0-56-amd64"}
    answers = {"openpai-001": kernels_of(**ready), "openpai-002": kernels_of(**ready, next_module="535.183.01")}
    title = "GPU driver | The next boot's kernel has the driver"
    with planned(folder, deploy.install_driver, answers) as plan:
        assert title in plan.operations(WORKER) and title not in plan.operations(NEIGHBOUR)


@pytest.mark.parametrize(
    ("own", "kept", "held"),
    [
        ({"header_packages": "installed linux-headers-amd64"}, False, False),
        ({}, True, False),
        ({"dkms": ""}, True, False),
        ({"dkms": "", "packages": "ii |linux-modules-nvidia-535-amd64|6.1.176-1|linux-restricted-modules"}, True, True),
    ],
    ids=["dkms-and-headers", "no-headers", "no-dkms", "prebuilt"],
)
def test_unattended_upgrades_bring_no_kernel_that_the_driver_does_not_follow(folder, own, kept, held):
    keys(folder, "nvidia_driver: apt\nnvidia_driver_version: 535.183.01\n")
    answers = {**kernels_of(**own), "apt-cache": sections(offers="")}
    with planned(folder, deploy.install_driver, {"openpai-001": answers}) as plan:
        assert UNATTENDED in plan.operations(WORKER)
        target = plan.state.inventory.get_host(WORKER)
        with ctx_host.use(target):
            uploads = [
                command.src.getvalue()
                for op in plan.state.ops[target].values()
                for command in op.command_generator()
                if isinstance(command, FileUploadCommand) and isinstance(command.src, StringIO)
                if command.dest == deploy.UNATTENDED
            ]
        assert any("apt-mark" in text and "linux-image-amd64" in text for text in plan.texts()) is held
    assert [('"linux-image-";' in text, '"nvidia-";' in text) for text in uploads] == [(kept, True)]
