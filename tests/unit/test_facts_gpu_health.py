"""What GPUs suffer from while they answer: the words of nvidia-smi, the bus and the kernel's log, and the judgement."""

from __future__ import annotations

import pytest
from pyinfra.api import StringCommand

from tasks.gpu.facts.health import GpuHealth, NvidiaHealth, ailments, defects
from tests.unit.fact_samples import SAMPLES
from tests.unit.stand_ins import StandIns

FIRST, SECOND = "0000:1b:00.0", "0000:2c:00.0"
(SAMPLE,) = (sample for sample in SAMPLES if sample.fact is NvidiaHealth)
ILL = GpuHealth(
    uncorrected={FIRST: 2},
    pending=frozenset({FIRST}),
    failed=frozenset({SECOND}),
    throttled=frozenset({FIRST}),
    narrow={FIRST: (8, 16)},
    xids=((FIRST, 94),),
)


def test_the_fact_is_read():
    assert NvidiaHealth().process(SAMPLE.answer) == ILL


def test_what_is_found_is_said():
    assert [problem.found for problem in defects(ILL)] == [f"GPU {SECOND} has memory that cannot be remapped any more"]
    assert [problem.found for problem in ailments(ILL)] == [
        f"GPU {FIRST} has had 2 uncorrected memory errors",
        f"GPU {FIRST} has memory to be remapped or retired",
        f"GPU {FIRST} uses 8 of 16 PCIe lanes",
        f"GPU {FIRST} is slowed down by heat or power",
        f"GPU {FIRST}: Xid 94 in the kernel's log, a contained memory error",
    ]
    assert not [*defects(GpuHealth()), *ailments(GpuHealth())]


KERNEL_LOG = """\
[   12.3] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024
[  512.1] NVRM: Xid (PCI:0000:1b:00): 94, pid=1234, name=python, Contained: SM (0x1).
[  513.1] NVRM: Xid (PCI:0000:1b:00): 94, pid=1234, name=python, Contained: SM (0x1).
[  600.0] NVRM: Xid (PCI:0000:2c:00): 31, pid=99, name=python, Ch 00000008, MMU Fault
[  700.0] NVRM: Xid (PCI:0000:2c:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.
"""


@pytest.fixture
def host(tmp_path):
    """A host's /sys, /proc and programs, in this folder: what the fact reads of it, and the programs that it called."""
    for gpu, width in ((FIRST, "8"), (SECOND, "16")):
        device = tmp_path / "pci" / gpu
        device.mkdir(parents=True)
        files = {"vendor": "0x10de", "class": "0x030200", "current_link_width": width, "max_link_width": "16"}
        for name, value in files.items():
            (device / name).write_text(f"{value}\n")
    (tmp_path / "bin").mkdir()
    programs = StandIns(tmp_path / "bin")
    programs.real("sort", "timeout")
    (tmp_path / "log").write_text(KERNEL_LOG)
    programs.add("dmesg", does=f"cat {tmp_path}/log")
    programs.add(
        "nvidia-smi",
        does=f'case $1 in *remapped*) echo "{FIRST}, No, No";; *) echo "{FIRST}, 0, No, Active, No";; esac',
    )

    def ask() -> tuple[GpuHealth, list[list[str]]]:
        command = StringCommand(NvidiaHealth().command()).get_raw_value()
        command = command.replace("/sys/bus/pci/devices", f"{tmp_path}/pci").replace(
            "/proc/driver/nvidia", str(tmp_path)
        )
        return NvidiaHealth().process(programs.run(StringCommand(command)).stdout.splitlines()), programs.calls

    return ask


def test_the_probe_finds_what_hardware_did_and_not_what_programs_did(host, tmp_path):
    (tmp_path / "version").write_text("NVRM version")
    found, _ = host()
    assert found == GpuHealth(throttled=frozenset({FIRST}), narrow={FIRST: (8, 16)}, xids=((FIRST, 94), (SECOND, 79)))


def test_the_probe_wakes_no_driver(host):
    found, calls = host()
    assert found.throttled == frozenset() and [call[0] for call in calls] == ["dmesg"]
