"""The watch over a node's GPUs: its program, run by a shell with stand-ins for nvidia-smi and the API server."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tasks.reach import FILES
from tests.unit.stand_ins import StandIns

WELL = "00000000:1B:00.0\n00000000:2C:00.0"


class Node:
    """A node with two GPUs; its condition and marks are kept as the API server would."""

    def __init__(self, folder):
        self.programs = StandIns(folder)
        self.programs.real("sort", "kill", "true")
        self.root = folder
        (folder / "kubelet.conf").write_text("    server: https://10.1.0.1:6443\n")
        (folder / "version").touch()
        self.known = ""
        self.dmesg = ""

    def look(self, said=WELL, cordoned="", fault="", status=0):
        """One look; gives the patches of the node that followed, and of its status."""
        self.programs.add("nvidia-smi", does=f"cat <<'END'\n{said}\nEND\nexit {status}")
        self.programs.add("dmesg", does=f"cat <<'END'\n{self.dmesg}\nEND")
        answer = f"{self.known}|{cordoned}|{fault}"
        self.programs.add("kubectl", does=f"case \"$*\" in *' get '*) printf '%s' '{answer}' ;; esac")
        self.programs.add("curl", does=f"cat >{self.root}/told")
        text = (FILES / "kubernetes/gpu-health").read_text()
        for path, own in (
            ("/etc/kubernetes/kubelet.conf", "kubelet.conf"),
            ("/run/openpai-deploy", "run"),
            ("/proc/driver/nvidia/version", "version"),
        ):
            assert path in text
            text = text.replace(path, f"{self.root}/{own}")
        before = len(self.programs.calls)
        (self.root / "told").unlink(missing_ok=True)
        subprocess.run(
            ["sh", "-c", text, "gpu-health", "openpai-001", "2"],
            check=True, timeout=60, env={**os.environ, "PATH": str(self.root)},
        )  # fmt: skip
        calls = self.programs.calls[before:]
        patches = [json.loads(call[call.index("-p") + 1]) for call in calls if call[0] == "kubectl" and "patch" in call]
        told = self.root / "told"
        conditions = json.loads(told.read_text())["status"]["conditions"] if told.exists() else []
        for one in conditions:
            self.known = f"{one['reason']}/{one['message']}"
        return patches, conditions


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def test_a_healthy_node_says_so_once(node):
    patches, (condition,) = node.look()
    assert patches == []
    assert (condition["type"], condition["status"], condition["message"]) == ("GPUHealthy", "True", "all 2 GPUs answer")
    assert node.look() == ([], [])


XID = "NVRM: Xid (PCI:0000:2c:00): 79, pid=1, GPU has fallen off the bus."
LOST = "Unable to determine the device handle for GPU0000:2C:00.0: GPU is lost."


@pytest.mark.parametrize(
    ("said", "status", "dmesg", "message"),
    [
        ("00000000:1B:00.0", 0, "", "1 of 2 GPUs answer"),
        (LOST, 15, "", f"0 of 2 GPUs answer: {LOST}"),
        ('Fehler "1|2" \\ in Zeile 1\n\n', 15, "", "0 of 2 GPUs answer: Fehler 12  in Zeile 1"),
        (
            WELL,
            0,
            "[1.0] NVRM: Xid (PCI:0000:2c:00): 79, GPU has fallen off",
            "GPU 0000:2c:00: fallen off the bus (Xid 79)",
        ),
    ],
)
def test_a_gpu_that_is_gone_at_two_looks_cordons_the_node_with_the_reason(node, said, status, dmesg, message):
    node.look()
    node.dmesg = dmesg
    assert node.look(said, status=status) == ([], [])
    patches, (condition,) = node.look(said, status=status)
    assert (condition["status"], condition["message"]) == ("False", message)
    marks = {"openpai-deploy/gpu-fault": message, "openpai-deploy/cordoned": None}
    assert patches == [{"metadata": {"annotations": marks}, "spec": {"unschedulable": True}}]
    assert node.look(said, status=status, cordoned="true", fault=message) == ([], [])


def test_a_node_that_a_deploy_puts_back_in_service_is_cordoned_again(node):
    for _ in range(2):
        node.look("00000000:1B:00.0")
    patches, _ = node.look("00000000:1B:00.0", fault="1 of 2 GPUs answer")
    assert patches[0]["spec"] == {"unschedulable": True}


def test_what_is_well_again_stays_cordoned_until_a_person_takes_the_cordon_back(node):
    for _ in range(2):
        node.look("00000000:1B:00.0")
    patches, (condition,) = node.look(cordoned="true", fault="1 of 2 GPUs answer")
    assert (patches, condition["status"]) == ([], "True")
    patches, _ = node.look(fault="1 of 2 GPUs answer")
    assert patches == [{"metadata": {"annotations": {"openpai-deploy/gpu-fault": None}}, "spec": {}}]


def test_a_driver_that_is_not_there_or_is_being_replaced_cordons_nothing(node):
    mismatch = "Failed to initialize NVML: Driver/library version mismatch"
    for _ in range(3):
        assert node.look(mismatch, status=18)[0] == []
    (node.root / "version").unlink()
    patches, (condition,) = node.look()
    assert (patches, condition["status"], condition["reason"]) == ([], "Unknown", "DriverNotLoaded")
    assert not [call for call in node.programs.calls if call[0] == "nvidia-smi"][3:]


def test_a_host_that_is_no_node_is_left_alone(node):
    (node.root / "kubelet.conf").unlink()
    assert node.look() == ([], [])
