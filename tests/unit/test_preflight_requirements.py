"""Every requirement of preflight, met and unmet, on snapshots captured from real hosts."""

from dataclasses import replace
from typing import Any

import pytest

from cluster import Config
from tasks.apt import OsRelease
from tasks.gpu.facts.gpus import SmiReport
from tasks.gpu.facts.health import GpuHealth
from tasks.gpu.facts.kernels import Kernels
from tasks.preflight.model import Clock
from tasks.preflight.snapshot import Listener, Reply
from tasks.preflight.verdict import ANSWERS, IDS, REACHABLE, Outcome, judge
from tests.unit.preflight_survey import (
    CAPTURED_UNDER,
    CAPTURES,
    DEV_BOX,
    MASTER,
    OTHER,
    WORKER,
    changed,
    driver,
    missed,
    planned,
    reply,
    rows,
    surveyed,
    unreached,
    whole,
)  # fmt: skip

# What breaks each requirement, and it alone, on the worker (or the host named), under these keys.
BREAK = {
    "sudo": lambda s: changed(s, sudo_error="paiadmin is not in the sudoers file."),
    "release": lambda s: changed(s, os=OsRelease("debian", "10", "buster", "Debian GNU/Linux 10 (buster)")),
    "release-known": lambda s: changed(s, os=OsRelease("ubuntu", "31.10", name="Ubuntu 31.10")),
    "architecture": lambda s: changed(s, architecture="aarch64"),
    "systemd": lambda s: changed(s, systemd=False),
    "memory": lambda s: changed(s, memory=15 * 10**9),
    "processors": lambda s: changed(s, cpus=0),
    "disk-docker": lambda s: changed(s, space={**s.snapshots[WORKER].space, "/mnt/docker": 10**9}),
    "disk-var": lambda s: changed(s, space={**s.snapshots[WORKER].space, "/var": 10**9}),
    "gpu-toolkit": lambda s: changed(s, packages={"nvidia-container-toolkit": "1.16.1-1"}),
    "gpu-containers": lambda s: changed(s, losing_gpus=["0a1b2c3d4e5f"]),
    "hostname": lambda s: changed(s, hostname="debian"),
    "hostname-resolves": lambda s: changed(s, resolves=False),
    "address": lambda s: changed(
        s, addresses=(replace(s.snapshots[WORKER].addresses[-1], address="172.16.0.9"),), macs={}
    ),
    "address-static": lambda s: changed(
        s, addresses=tuple(replace(each, dynamic=True) for each in s.snapshots[WORKER].addresses)
    ),
    "subnets": lambda s: replace(
        s,
        cluster=replace(
            s.cluster, config=Config.model_validate({**CAPTURED_UNDER, "kube_pods_subnet": "10.77.0.0/16"})
        ),
    ),
    "dev-box": lambda s: changed(
        s, DEV_BOX, addresses=(*s.snapshots[DEV_BOX].addresses, s.snapshots[WORKER].addresses[-1])
    ),
    "dev-box-user": lambda s: changed(s, DEV_BOX, account=False),
    "layout": lambda s: replace(s, layout=planned(s, 8)),
    "ports": lambda s: changed(s, ports=(Listener(10250, "nginx", ""),)),
    "swap": lambda s: changed(s, swaps=("/swapfile",)),
    "cgroups": lambda s: changed(s, cgroup="v2"),
    "cgroup-controllers": lambda s: changed(s, controllers=frozenset({"cpu", "memory"})),
    "boot-space": lambda s: changed(
        s,
        initramfs=90 * 10**6,
        space={**s.snapshots[WORKER].space, "/boot": 95 * 10**6},
        **driver(s, initramfs_tool="update-initramfs", stale_initramfs=("6.1.0-1-amd64",)),
    ),
    "container-runtimes": lambda s: changed(s, rivals=("k3s",)),
    "docker": lambda s: changed(s, docker=replace(s.snapshots[WORKER].docker, installed=False)),
    "docker-change": lambda s: changed(s, packages={"docker-ce": "5:29.0.1-1~debian.12~bookworm"}),
    "docker-config": lambda s: changed(s, docker=replace(s.snapshots[WORKER].docker, file="{not json")),
    "docker-runtime": lambda s: changed(s, docker=replace(s.snapshots[WORKER].docker, info={"DefaultRuntime": "runc"})),
    "package-lock": lambda s: changed(s, lock_holder="apt-get (process 517)", lock_waited=60),
    "packages-finished": lambda s: changed(s, unfinished=("half-configured grub-pc",)),
    "time-sync": lambda s: changed(s, time=replace(s.snapshots[WORKER].time, unit="ntpsec", synchronised=False)),
    "backups": lambda s: changed(s, MASTER, os=OsRelease("ubuntu", "20.04", "focal", "Ubuntu 20.04.6 LTS")),
    "gpu": lambda s: changed(s, smi=SmiReport(), **driver(s, bus=())),
    "gpu-driver": lambda s: changed(
        s,
        smi=replace(
            s.snapshots[WORKER].smi, gpus=tuple(replace(gpu, memory=None) for gpu in s.snapshots[WORKER].smi.gpus)
        ),
    ),
    "secure-boot": lambda s: changed(s, **driver(s, secure_boot=True)),
    "kernel-headers": lambda s: changed(s, **driver(s, headers="missing")),
    "next-kernel": lambda s: changed(
        s, **driver(s, installed="550.54.14", kernels=Kernels(next="6.99.0-amd64"), next_module=None)
    ),
    "gpu-runtime": lambda s: changed(s, nvidia_runtime=False),
    "fabric-manager": lambda s: changed(s, **driver(s, switches=("0000:05:00.0",))),
    "gpu-memory": lambda s: changed(s, health=GpuHealth(failed=frozenset({"0000:1b:00.0"}))),
    "gpu-health": lambda s: changed(s, health=GpuHealth(xids=(("0000:1b:00.0", 94),))),
    "gpus-equal": lambda s: changed(
        s,
        smi=replace(
            s.snapshots[WORKER].smi,
            gpus=tuple(replace(gpu, name="NVIDIA A100-SXM4-80GB") for gpu in s.snapshots[WORKER].smi.gpus),
        ),
    ),
    "openpai-ports": lambda s: changed(s, ports=(Listener(9103, "nginx", ""), Listener(80, "nginx", ""))),
    "openpai-requests": lambda s: changed(s, MASTER, cpus=0),
    "openpai-storage": lambda s: changed(
        s, MASTER, space={**s.snapshots[MASTER].space, "/mnt/paiInternal": 32 * 10**9}
    ),
    "openpai-loop": lambda s: changed(s, MASTER, storage=frozenset()),
    "openpai-processors": lambda s: changed(s, cpus=1),  # a hundredth of which is kept back
    "peers": lambda s: changed(s, **missed(s, f"{s.snapshots[MASTER].addresses[-1].address}:22")),
    "firewall": lambda s: changed(s, firewall=("Status: active", "22/tcp                     ALLOW IN    Anywhere")),
    "proxy": lambda s: changed(s, **missed(s, "10.77.3.1:3128")),
    "docker-source": lambda s: changed(s, **reply(s, "docker-source")),
    "nvidia-source": lambda s: changed(s, **reply(s, "nvidia-source", 404, "Not Found")),
    "package-sources": lambda s: changed(
        s, sources={"/etc/apt/sources.list:3: http://gone/": Reply(0, "Could not connect")}
    ),
    "kubernetes-source": lambda s: changed(s, **reply(s, "kubernetes:kubelet")),
    "registries": lambda s: changed(s, **unreached(s, "http://10.77.3.1:5000/v2/")),
    "images": lambda s: changed(s, **reply(s, f"image:{REGISTRY}/openpai/openpai-runtime/manifests/v1.8.0", 404)),
    "verification-images": lambda s: changed(s, **reply(s, f"image:{REGISTRY}/cuda/manifests/12", 404)),
    "hostname-unique": lambda s: changed(s, DEV_BOX, hostname=WORKER),
    "machine-id-unique": lambda s: changed(s, machine_id=s.snapshots[MASTER].machine_id),
    "mac-unique": lambda s: changed(s, macs=s.snapshots[MASTER].macs),
    "address-unique": lambda s: changed(
        s, addresses=(*s.snapshots[MASTER].addresses[-1:], *s.snapshots[WORKER].addresses)
    ),
    "clock-offset": lambda s: replace(
        changed(s, time=replace(s.snapshots[WORKER].time, synchronised=True)),
        clocks={**s.clocks, WORKER: Clock(-7200_000.0, 15.0)},
    ),
}
# Keys under which a requirement is asked at all, or the captured hosts meet it.
OPENPAI: dict[str, Any] = {"openpai": True, "docker_image_tag": "v1.8.0"}
REGISTRY = "http://10.77.3.1:5000/v2"
KEYS: dict[str, dict[str, Any]] = {
    "images": OPENPAI,
    "verification-images": {"cuda_image": "10.77.3.1:5000/cuda:12"},
    "openpai-ports": OPENPAI,
    "openpai-requests": {**OPENPAI, "qos-switch": True, "master_min_cpus": 0},
    "openpai-storage": OPENPAI,
    "openpai-loop": OPENPAI,
    "openpai-processors": OPENPAI,
    "cgroups": {"kubernetes_version": "v1.18.20"},
    "secure-boot": {"nvidia_driver": "runfile", "nvidia_driver_runfile": "/root/NVIDIA-Linux-x86_64-570.1.run"},
    "kernel-headers": {"nvidia_driver": "runfile", "nvidia_driver_runfile": "/root/NVIDIA-Linux-x86_64-570.1.run"},
}
HIT = {
    "backups": {MASTER},
    "openpai-requests": {MASTER},
    "openpai-storage": {MASTER},
    "openpai-loop": {MASTER},
    "hostname-unique": {DEV_BOX, WORKER},
    "dev-box": {DEV_BOX},
    "dev-box-user": {DEV_BOX},
    "subnets": {WORKER, MASTER, OTHER},
    "gpus-equal": {WORKER, OTHER},
}


def test_there_are_captures_of_every_release():
    assert {"bullseye", "bookworm", "trixie"} <= set(CAPTURES)


def test_every_requirement_has_its_breakage():
    assert {*BREAK, REACHABLE, ANSWERS} == set(IDS)
    assert len(IDS) == len(set(IDS))


def test_the_guides_own_release_is_refused_and_it_is_said_why():
    xenial = OsRelease("ubuntu", "16.04", "xenial", "Ubuntu 16.04.7 LTS")
    (row,) = rows(changed(surveyed("bookworm"), os=xenial), "release")
    assert row.found == "Ubuntu 16.04.7 LTS" and "the apt of 16.04 takes no vendor's armoured key" in row.fix
    assert rows(changed(surveyed("bookworm"), os=replace(xenial, version="18.04")), "release") == []


def test_with_set_hostnames_the_deploy_gives_a_host_its_name_but_renames_no_node():
    survey = changed(surveyed("bookworm", set_hostnames=True), hostname="ubuntu")
    (row,) = rows(survey, "hostname")
    assert row.outcome is Outcome.BY_DEPLOY
    (row,) = rows(changed(survey, node=True), "hostname")
    assert row.outcome is Outcome.UNMET and row.found == "ubuntu, a Kubernetes node" and "out of its cluster" in row.fix


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_captured_host_meets_every_must(capture):
    verdict = judge(surveyed(capture))
    assert not verdict.failures
    coming = {row.requirement for row in verdict.rows if row.outcome is Outcome.BY_DEPLOY}
    assert coming == {"docker", "docker-runtime", "gpu-runtime", "time-sync"}


@pytest.mark.parametrize(("installer", "hosts"), [("kubeadm", {DEV_BOX, MASTER}), ("none", {DEV_BOX})])
def test_a_master_needs_docker_for_kubernetes_alone(installer, hosts):
    """As the deploy installs it: else a converged cluster is told for ever that Docker is still to come."""
    survey = whole(surveyed("bookworm", installer=installer))
    for name in (DEV_BOX, MASTER):
        missing = replace(survey.snapshots[name].docker, installed=False)
        unreached = {**survey.snapshots[name].replies, "docker-source": Reply(0, "Could not connect")}
        survey = changed(survey, name, docker=missing, packages={}, replies=unreached)
    assert {row.host for row in rows(survey, "docker")} == hosts
    assert {row.host for row in rows(survey, "docker-source")} == hosts


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("id", BREAK)
def test_a_requirement_is_met_then_broken(capture, id):
    survey = whole(surveyed(capture, **KEYS.get(id, {})))
    assert rows(survey, id) == []
    broken = rows(BREAK[id](survey), id)
    assert broken and {row.host for row in broken} <= HIT.get(id, {WORKER})
    for row in broken:
        assert row.found and row.needed and row.fix


@pytest.mark.parametrize("id", sorted(set(BREAK) - {"address", "gpu", "subnets", "dev-box"}))
def test_a_breakage_is_one_row_and_no_other(id):
    survey = whole(surveyed("bookworm", **KEYS.get(id, {})))
    if id != "layout":
        survey = replace(survey, layout=None)
    before = {(row.host, row.requirement) for row in judge(survey).rows}
    after = {(row.host, row.requirement) for row in judge(BREAK[id](survey)).rows}
    assert {requirement for _, requirement in after - before} == {id}


def test_a_dev_boxs_own_docker_is_no_change_and_needs_no_source():
    survey = whole(surveyed("bookworm"))
    theirs = replace(survey.snapshots[DEV_BOX].docker, version="29.1.0", containers=("c0ffee web",))
    unreached = {**survey.snapshots[DEV_BOX].replies, "docker-source": Reply(0, "Could not connect")}
    survey = changed(survey, DEV_BOX, docker=theirs, packages={"docker.io": "29.1-1"}, replies=unreached)
    assert not rows(survey, "docker-change") and not rows(survey, "docker-source")
    told = Config.model_validate({**CAPTURED_UNDER, "docker_version": "28"})
    survey = replace(survey, cluster=replace(survey.cluster, config=told))
    assert {row.host for row in rows(survey, "docker-change")} >= {DEV_BOX}


def test_containers_are_named_before_the_deploy_begins():
    survey = whole(surveyed("bookworm"))
    running = replace(survey.snapshots[WORKER].docker, containers=("c0ffee web",))
    survey = changed(survey, packages={"docker.io": "20.10.24+dfsg1-1"}, docker=running)
    assert [row.found for row in rows(survey, "docker-change")] == [
        "docker.io must give way to docker-ce, but 1 containers run (web)"
    ]
    assert not rows(replace(survey, disruption=True), "docker-change")


V1 = frozenset({"cpu", "cpuset", "memory", "pids", "cpuacct", "devices", "freezer"})


@pytest.mark.parametrize(
    ("cgroup", "controllers", "missing"),
    [
        ("v1", V1, None),
        ("hybrid", V1 - {"memory"}, "memory"),
        ("v2", V1 - {"cpuacct", "devices", "freezer"}, None),
        ("v2", {"cpuset", "memory", "pids"}, "cpu"),
        # A capture without that probe.
        ("v1", frozenset(), None),
    ],
)
def test_controllers_that_kubeadm_looks_for(cgroup, controllers, missing):
    survey = changed(whole(surveyed("bookworm")), cgroup=cgroup, controllers=frozenset(controllers))
    assert [row.found for row in rows(survey, "cgroup-controllers")] == ([f"without {missing}"] if missing else [])


@pytest.mark.parametrize("check", ["SystemVerification", "all"])
def test_a_check_of_kubeadm_that_is_passed_over_is_not_judged(check):
    survey = whole(surveyed("bookworm", kubeadm_ignore_preflight_errors=[check]))
    assert not rows(changed(survey, controllers=frozenset({"cpu"})), "cgroup-controllers")


def test_boot_needs_room_for_one_initramfs_more_where_it_is_rebuilt():
    survey = whole(surveyed("bookworm"))
    full = BREAK["boot-space"](survey)
    assert [row.needed for row in rows(full, "boot-space")] == [
        "99 MB, for an initramfs beside the one that it replaces"
    ]
    rebuilt = replace(full.snapshots[WORKER].driver, stale_initramfs=(), installed="535.183.01")
    assert not rows(changed(full, driver=rebuilt), "boot-space")
