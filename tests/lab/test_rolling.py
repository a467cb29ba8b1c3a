"""Changes of a cluster at work: one master, three workers, a service with a budget, a job; and runs that are killed."""

from __future__ import annotations

import json

import pytest

from cluster import load
from lab import commands
from lab.commands import Run
from lab.kubernetes import VERSION, later
from tests.lab import rolling_load
from tests.lab.harness import converged, killed_when, new_lab, out, pyinfra
from tests.lab.kubernetes_stage import FIRST, KUBECTL, MASTER, MINUTES, SECOND, THIRD, said, verification

CHANGE, UPGRADE = "tasks.rolling.change", "tasks.kubernetes.upgrade"
WORKERS = (FIRST, SECOND, THIRD)
OLD = {
    "docker_version": "20.10.24~2-0~debian-bookworm",
    "nvidia_driver": "apt",
    "nvidia_driver_version": "535.216.03",
    "nvidia_toolkit_version": "1.17.7",
}
TOOLKIT = "dpkg-query -W -f '${Version}' nvidia-container-toolkit"
DOCKER = "dpkg-query -W -f '${Version}' docker-ce"
LOADED = "cat /sys/module/nvidia/version"


@pytest.fixture(scope="module")
def lab():
    """A cluster with older versions of everything, a service on it, and somebody who counts the service's pods."""
    with new_lab("roll", workers=3, kubernetes=True, gpu="bare") as made:
        made.configure(ntp_hosts="master", drain_wait=5 * MINUTES, **OLD)
        converged(made)
        rolling_load.serve(made)
        with rolling_load.Counter(made).counting() as counter:
            yield made
        assert counter.looks > 20
        assert counter.least >= rolling_load.BUDGET, f"the service had {counter.least} pods"


def roll(lab, file: str = CHANGE) -> Run:
    """One rolling change to its end."""
    return pyinfra(lab, "-y", file=file, timeout=20 * MINUTES)


def rolled(lab, file: str = CHANGE) -> Run:
    """The same, and it must succeed; afterwards every node is in service."""
    run = roll(lab, file)
    assert run.status == 0, run.output
    assert marks(lab) == {}
    assert "SchedulingDisabled" not in out(lab, MASTER, f"{KUBECTL} get nodes")
    return run


def marks(lab) -> dict[str, dict[str, str]]:
    """The marks of nodes that are out of service."""
    listed = json.loads(said(lab, MASTER, f"{KUBECTL} get nodes -o json") or '{"items": []}')
    found = {one["metadata"]["name"]: one["metadata"].get("annotations", {}) for one in listed["items"]}
    return {name: json.loads(each[key]) for name, each in found.items() for key in each if key.endswith("/cordoned")}


def kubelets(lab) -> dict[str, str]:
    """The versions that nodes report, while the API server answers."""
    lines = said(lab, MASTER, f"{KUBECTL} get nodes --no-headers").splitlines()
    return {line.split()[0]: line.split()[-1] for line in lines}


def versions(lab, question: str, *hosts: str) -> list[str]:
    """What hosts answer."""
    return [out(lab, host, question) for host in hosts]


def killed(lab, reached) -> None:
    """A rolling change that is killed as soon as `reached`."""
    killed_when(lab, reached, file=CHANGE, timeout=10 * MINUTES)


def test_a_plain_deploy_names_what_is_due_and_disturbs_nobody(lab):
    lab.configure(nvidia_toolkit_version="1.17.8")
    run = converged(lab)
    assert run.changed == 0, run.changes()
    for host in WORKERS:
        due = "waits for its turn: nvidia-container-toolkit 1.17.7-1 must become 1.17.8"
        assert any(due in line for line in run.lines(host)), run.output
    assert versions(lab, TOOLKIT, *WORKERS) == ["1.17.7-1"] * 3


def test_a_canary_that_fails_stops_the_rest_with_its_reason(lab):
    image = f"{lab.gateway}:5000/nvidia/cuda:none"
    before = load(lab.folder).config.cuda_image
    lab.configure(cuda_image=image)
    try:
        run = roll(lab)
    finally:
        lab.configure(cuda_image=before)
    assert run.status == 1
    ((canary, mark),) = marks(lab).items()
    assert mark["stage"] == "changing" and "1.17.8" in mark["why"]
    for host in set(WORKERS) - {canary}:
        said_there = " ".join(run.lines(host))
        assert f"left alone: the canary {canary} failed" in said_there and f"docker pull {image} failed" in said_there
    untouched = set(WORKERS) - {canary}
    assert versions(lab, TOOLKIT, *untouched) == ["1.17.7-1"] * 2
    assert marks(lab).keys() == {canary}


def test_toolkit_with_a_job_that_ends_by_itself_and_somebody_elses_cordon(lab):
    rolling_load.train(lab, SECOND)
    out(lab, MASTER, f"{KUBECTL} cordon {THIRD}")
    killed(lab, lambda: marks(lab).get(SECOND, {}).get("stage") == "draining")
    assert out(lab, SECOND, f"cat {rolling_load.DIARY}") == "begin"

    def heard(line: str) -> None:
        if f"for jobs on {SECOND} to end: default/training" in line:
            rolling_load.enough(lab, SECOND)

    run = commands.run(commands.pyinfra(lab, "-y", file=CHANGE), heard, 20 * MINUTES)
    assert run.status == 1
    assert any("somebody else has cordoned it" in line for line in run.lines(THIRD)), run.output
    assert out(lab, SECOND, f"cat {rolling_load.DIARY}").split() == ["begin", "end"]
    assert versions(lab, TOOLKIT, *WORKERS) == ["1.17.8-1", "1.17.8-1", "1.17.7-1"]
    assert "SchedulingDisabled" in out(lab, MASTER, f"{KUBECTL} get node {THIRD}") and marks(lab) == {}
    out(lab, MASTER, f"{KUBECTL} uncordon {THIRD}")
    rolled(lab)
    assert versions(lab, TOOLKIT, *WORKERS) == ["1.17.8-1"] * 3


def test_docker_on_every_node_the_master_last_killed_at_three_points(lab):
    newer = "5:20.10.24~3-0~debian-bookworm"
    lab.configure(docker_version=newer.partition(":")[2])
    killed(lab, lambda: any(marks(lab)) and any(_active(lab, host, "apt") for host in WORKERS))
    assert len(marks(lab)) == 1

    def installed() -> int:
        return sum(said(lab, host, DOCKER) == newer for host in WORKERS)

    killed(lab, lambda: installed() == 2 and marks(lab))
    killed(lab, lambda: marks(lab).get(MASTER, {}).get("stage") == "changing")
    assert installed() == 3
    rolled(lab)
    assert versions(lab, DOCKER, MASTER, *WORKERS) == [newer] * 4


def test_driver_with_a_reboot_killed_while_it_is_installed_and_while_a_host_is_down(lab):
    lab.configure(nvidia_driver_version="535.247.01")
    killed(lab, lambda: any(_active(lab, host, "nvidia-driver") for host in marks(lab)))
    killed(lab, lambda: not all(map(lab.running, WORKERS)))
    rolled(lab)
    assert versions(lab, LOADED, *WORKERS) == ["535.247.01"] * 3


def test_kubernetes_the_master_first_killed_while_kubeadm_is_at_work_and_between_two_nodes(lab):
    later.publish(lab.state)
    lab.configure(kubernetes_version=later.LATER)
    killed_when(lab, lambda: _active(lab, MASTER, "kubeadm-upgrade"), file=UPGRADE, timeout=10 * MINUTES)
    assert marks(lab).keys() <= {MASTER}

    def between() -> bool:
        reported = kubelets(lab)
        behind = reported.get(MASTER) == later.LATER and reported.get(THIRD) == VERSION
        return behind and len(marks(lab)) == 1

    killed_when(lab, between, file=UPGRADE, timeout=10 * MINUTES)
    run = converged(lab)
    assert any(f"must become {later.LATER}; to have it changed" in line for line in run.lines(THIRD)), run.output
    assert kubelets(lab)[THIRD] == VERSION
    rolled(lab, file=UPGRADE)
    assert set(kubelets(lab).values()) == {later.LATER}
    served = json.loads(out(lab, MASTER, f"{KUBECTL} get --raw /version"))
    assert served["gitVersion"] == later.LATER
    saved = out(lab, MASTER, "stat -c %a /var/backups/openpai-deploy/pki/*.tar; ls /var/backups/openpai-deploy/etcd")
    assert "600" in saved.split() and "-upgrade.db" in saved


def test_nothing_is_left_to_do_and_the_hosts_are_well(lab):
    assert rolled(lab).changed == 0
    converged(lab)  # the dev box, which is no node, has the Docker of the nodes now
    assert converged(lab).changed == 0
    done = verification(lab)
    assert done.status == 0, done.output


def _active(lab, host: str, unit: str) -> bool:
    return said(lab, host, f"systemctl is-active openpai-deploy-{unit}") == "active"
