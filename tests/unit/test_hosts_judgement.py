"""What the verification makes of the words of real tools, and its longer questions put to this machine."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from cluster import Config
from tests.hosts import docker_info, gpus, members
from tests.hosts.certificates import certificate_probes, days_left
from tests.hosts.clocks import Clock, by_chrony, by_ntp, by_timesyncd
from tests.hosts.probes import TIMED_OUT, Answer, Probe
from tests.unit.hosts_fleet import DAEMON_JSON, INFO

H100 = Path(__file__).parents[1] / "data/h100"
WELL = "0, NVIDIA H100 80GB HBM3, 580.159.04, 81559, Enabled, 00000000:00:06.0"
A100 = "1, NVIDIA A100-SXM4-80GB, 535.183.01, 81920, Disabled, 00000000:BD:00.0"
DEVICES, KUBERNETES = "/sys/bus/pci/devices", "/etc/kubernetes"
BUS = ["0000:00:06.0"]


def smi(*lines: str, status: int = 0) -> Answer:
    return Answer(gpus.NVIDIA_SMI, status, "\n".join(lines), "")


def recorded(name: str) -> Answer:
    """What a real H100's nvidia-smi answered: its exit status, and its words."""
    status, *lines = (H100 / f"{name}.txt").read_text().splitlines()
    return smi(*lines, status=int(status))


def config(**keys: object) -> Config:
    return Config.model_validate({"user": "root", **keys})


def asked(question: Probe, folder: str, ours: Path) -> str:
    """What this machine answers with `ours` in the place of `folder`, and the programs in `ours`/../bin first."""
    environment = {**os.environ, "PATH": f"{ours.parent / 'bin'}:{os.environ['PATH']}"}
    command = ["sh", "-c", question.command.replace(folder, str(ours))]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_gpu_that_is_well() -> None:
    assert gpus.faults(BUS, recorded("smi-well"), "580.159.04") == []
    assert gpus.faults(BUS, smi("a warning, of some kind", WELL), "580") == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (recorded("smi-no-control-node"), "nvidia-smi may not open the GPUs"),
        (recorded("smi-no-gpu-node"), "the driver started no GPU (nvidia-smi: exit status 6: No devices were found)"),
        (recorded("smi-no-library"), "the driver's libraries are not found"),
        (smi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", status=9), "modprobe"),
        (smi("Failed to initialize NVML: Driver/library version mismatch", status=18), "reboot the host to load"),
        (smi("Unable to determine the device handle for GPU0: 0000:BD:00.0: Unknown Error", status=255), "Xid 79"),
        (smi("sh: nvidia-smi: not found", status=127), "nvidia-smi is missing; install"),
        (smi(status=TIMED_OUT), "did not answer within 60 s"),
        (smi("Segmentation fault", status=139), "nvidia-smi failed (exit status 139: Segmentation fault)"),
        (smi(WELL.replace("81559", "[N/A]")), "GPU 0 (NVIDIA H100 80GB HBM3, 0000:00:06.0) reports no memory"),
        (smi(A100), "shows 1 of the 1 GPUs on the PCI bus, missing 0000:00:06.0"),
        (smi(WELL.replace("580.1", "58.1")), "runs driver 58.159.04, expected 580"),
    ],
)
def test_a_gpu_that_is_not(answer: Answer, words: str) -> None:
    (found,) = gpus.faults(BUS, answer, "580" if "A100" not in answer.out else None)
    assert words in found


def test_addresses_are_compared_as_the_bus_writes_them() -> None:
    found = gpus.gpus(smi(A100, A100.replace("00000000:", "00010000:")))
    assert [gpu.address for gpu in found] == ["0000:bd:00.0", "10000:bd:00.0"]
    assert gpus.describe(found) == "2 x NVIDIA A100-SXM4-80GB" and gpus.describe([]) == "none"


def test_the_bus_lists_nvidias_display_controllers_alone(tmp_path: Path) -> None:
    for address, vendor, kind in (
        ("0000:00:06.0", "0x10de", "0x030200"),
        ("0000:01:00.0", "0x10de", "0x030000"),
        ("0000:01:00.1", "0x10de", "0x040300"),
        ("0000:02:00.0", "0x1a03", "0x030000"),
        ("0000:03:00.0", "0x10de", "0x068000"),
    ):
        (tmp_path / address).mkdir()
        (tmp_path / address / "vendor").write_text(f"{vendor}\n")
        (tmp_path / address / "class").write_text(f"{kind}\n")
    assert asked(gpus.BUS, DEVICES, tmp_path).split() == ["0000:00:06.0", "0000:01:00.0"]
    assert asked(gpus.BUS, DEVICES, tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("keys", "version"),
    [
        ({"nvidia_driver_version": "535.183.01"}, "535.183.01"),
        (
            {"nvidia_driver": "runfile", "nvidia_driver_runfile": "/srv/NVIDIA-Linux-x86_64-535.183.01.run"},
            "535.183.01",
        ),
        ({"nvidia_driver": "apt", "nvidia_driver_branch": "535-server"}, "535"),
        ({"nvidia_driver": "apt"}, None),
    ],
)
def test_the_driver_that_the_config_asks_for(keys: dict[str, str], version: str | None) -> None:
    assert gpus.wanted_driver(config(**keys)) == version


def test_clocks() -> None:
    tracking = "0A000001,10.0.0.1,9,1720000000.1,-0.25,0.0,0.0,1.2,0.0,0.1,0.001,0.002,64.0,Normal"
    assert by_chrony(tracking) == Clock("chrony", "10.0.0.1", 0.25)
    assert by_chrony(tracking.replace("Normal", "Not synchronised")) == by_chrony("") == Clock("chrony")
    rv = "associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,\nleap=00, stratum=9, offset=-250.5,"
    peers = "   remote  refid\n=====\n+10.0.0.2  10.0.0.9\n*10.0.0.1  127.127.1.1  8 u"
    assert by_ntp("ntp", f"{rv}\n{peers}") == Clock("ntp", "10.0.0.1", 0.2505)
    assert by_ntp("ntp", f"{rv}\n{peers}".replace("leap=00", "leap=11")).server == ""
    assert by_ntp("ntp", "ntpq: read: Connection refused") == Clock("ntp")
    status = (
        "       Server: 10.0.0.1 (ntp.example.com)\nPoll interval: 32s\n       Offset: -1min 1.5s\n       Delay: 1ms"
    )
    assert by_timesyncd(status) == Clock("systemd-timesyncd", "10.0.0.1", 61.5)
    assert by_timesyncd(status.replace("-1min 1.5s", "+250us")).offset == 0.00025
    assert by_timesyncd("       Server: n/a\nPoll interval: 0") == Clock("systemd-timesyncd")


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, []),
        ({"default-runtime": "runc"}, ["default-runtime"]),
        ({"runtimes": {"other": {}}}, ["runtimes"]),
        ({"registry-mirrors": ["http://10.0.0.1:5000", "http://other"]}, ["registry-mirrors"]),
        ({"insecure-registries": ["127.0.0.0/8", "192.0.2.1"]}, ["insecure-registries"]),
        ({"live-restore": False, "log-driver": "journald"}, ["live-restore", "log-driver"]),
    ],
)
def test_options_that_the_daemon_runs_with_otherwise(changes: dict[str, object], keys: list[str]) -> None:
    assert docker_info.differing(INFO, {**DAEMON_JSON, **changes}) == keys


def test_a_bare_address_is_shown_as_a_network_of_one() -> None:
    info = {"RegistryConfig": {"InsecureRegistryCIDRs": ["192.0.2.1/32", "2001:db8::1/128"], "IndexConfigs": None}}
    assert docker_info.missing_insecure(info, ["192.0.2.1", "2001:db8::1", "192.0.2.2"]) == ["192.0.2.2"]


def test_workloads_without_their_pods() -> None:
    def workload(kind: str, status: dict[str, int], **spec: int) -> dict[str, object]:
        return {"kind": kind, "metadata": {"name": "w"}, "spec": spec, "status": status}

    well = workload("DaemonSet", {"numberReady": 2, "desiredNumberScheduled": 2})
    short = workload("DaemonSet", {"numberReady": 1, "desiredNumberScheduled": 2})
    none = workload("Deployment", {}, replicas=2)
    stopped = workload("Deployment", {}, replicas=0)
    assert members.unready([well, short, none, stopped]) == ["DaemonSet/w 1/2", "Deployment/w 0/2"]


def test_pods_with_addresses_of_a_range_that_their_node_had() -> None:
    nodes = {"w-1": {"spec": {"podCIDR": "10.244.1.0/24"}}, "w-2": {"spec": {}}}
    rows = (
        "kube-system  here     w-1     <none>  Running    10.244.1.7",
        "kube-system  there    w-1     <none>  Running    10.244.9.7",
        "kube-system  host     w-1     true    Running    192.0.2.1",
        "default      over     w-1     <none>  Succeeded  10.244.9.8",
        "default      waiting  <none>  <none>  Pending    <none>",
        "default      unnamed  w-2     <none>  Running    10.244.9.9",
    )
    assert members.stranded(nodes, "\n".join(rows)) == ["kube-system/there"]


def test_certificates_that_expire_and_processes_that_are_behind(tmp_path: Path) -> None:
    kubernetes = tmp_path / "kubernetes"
    (kubernetes / "pki/etcd").mkdir(parents=True)

    def certificate(name: str, days: int) -> Path:
        file = kubernetes / name
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", "/CN=test", "-days", str(days), "-keyout", os.devnull, "-out", file],
            check=True, capture_output=True,
        )  # fmt: skip
        return file

    long, short = certificate("pki/apiserver.crt", 90), certificate("pki/apiserver-etcd-client.crt", 5)
    for name, source in (
        ("pki/ca.crt", short), ("pki/front-proxy-client.crt", long), ("pki/etcd/server.crt", short),
        ("pki/etcd/peer.crt", long),
    ):  # fmt: skip
        (kubernetes / name).write_bytes(source.read_bytes())
    for name, source in (("admin.conf", short), ("controller-manager.conf", long), ("scheduler.conf", long)):
        data = base64.b64encode(source.read_bytes()).decode()
        (kubernetes / name).write_text(f"users:\n- user:\n    client-certificate-data: {data}\n")
    (kubernetes / "kubelet.conf").write_text("users:\n- user:\n    client-certificate: /var/lib/kubelet/pki\n")
    expiring, behind, ends = certificate_probes(days=30)
    (kubernetes / "pki/broken.crt").write_text("no certificate")
    said = asked(ends, KUBERNETES, kubernetes)
    left = days_left(Answer(ends, 0, said, ""))
    assert len(left) == 9 and "broken" not in said
    # Made with whole days a moment ago: one less is left as soon as a second has passed.
    assert left["pki/apiserver.crt"] in (89, 90) and {left["pki/ca.crt"], left["admin.conf"]} <= {4, 5}
    (kubernetes / "pki/broken.crt").unlink()
    assert asked(expiring, KUBERNETES, kubernetes).split() == [
        "pki/apiserver-etcd-client.crt",
        "pki/etcd/server.crt",
        "admin.conf",
    ]

    for file in kubernetes.rglob("*.c*"):
        os.utime(file, (1_600_000_000, 1_600_000_000))
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    # The scheduler does not run; the others run since September 2020.
    docker.write_text(
        "#!/bin/sh\ncase $* in *scheduler) ;; ps*) echo id ;; *) echo 2020-09-20T00:00:00.123456789Z ;; esac\n"
    )
    docker.chmod(0o755)
    assert asked(behind, KUBERNETES, kubernetes) == ""
    for name in ("pki/apiserver-etcd-client.crt", "controller-manager.conf", "scheduler.conf"):
        os.utime(kubernetes / name)
    assert asked(behind, KUBERNETES, kubernetes).split() == ["kube-apiserver", "kube-controller-manager"]
