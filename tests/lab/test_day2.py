"""Day 2 on a cluster at work: two operators, runs that die, lost GPUs, new hardware, drift, the API's name."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import commands, gpu
from lab.commands import Run
from lab.kubernetes import images
from lab.settings import DEV_BOX, PROJECT, USER
from lab.wait import wait_until
from tests.lab import second_operator
from tests.lab.docker_host import write
from tests.lab.harness import converged, deploy, new_lab, out, pyinfra
from tests.lab.kubernetes_stage import FIRST, KUBECTL, MASTER, SECOND, nodes

AT_ONCE = 2
"""Seconds in which a run that must wait for another has said so."""
STARTS = 4
"""The same, in starts of pyinfra."""
TRUST, PREFLIGHT, REMOVE = "tasks.ssh.establish_trust", "tasks.preflight.check", "tasks.kubernetes.remove_departed"
PAUSE = f"{images.REPOSITORY}/pause:{images.PAUSE_VERSION}"
HEALTH = '{range .status.conditions[?(@.type=="GPUHealthy")]}{.status} {.message}{end}'
FAULT = r"{.metadata.annotations.openpai-deploy/gpu-fault}"
CORDONED = "Ready,SchedulingDisabled"
HURRY = "[Timer]\nOnUnitInactiveSec=\nOnUnitInactiveSec=1s\nAccuracySec=100ms\n"


@pytest.fixture(scope="module")
def lab():
    """A cluster of before the API had a name, with two workers that have two GPUs each, and a pod on the first."""
    with new_lab("day2", workers=2, kubernetes=True, gpu='{"driver_version": "550.54.14", "count": 2}') as made:
        made.configure(ntp_hosts="master", kube_api_name=made.address(MASTER))
        converged(made)
        pod = {"nodeName": FIRST, "containers": [{"name": "pause", "image": f"{made.gateway}:5000/{PAUSE}"}]}
        job = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"}, "spec": pod}
        write(made, MASTER, "/root/job.json", json.dumps(job))
        out(made, MASTER, f"{KUBECTL} apply -f /root/job.json && {KUBECTL} wait --for=condition=Ready pod/job")
        yield made


@pytest.fixture(scope="module")
def other(lab):
    """The lab, with a second operator on its dev box who looks for drift."""
    second_operator.moved_in(lab, drift_schedule="daily")
    return lab


@contextmanager
def at_work(lab, command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A run that has its locks, at the question before its changes; a line of input has it go on.

    What the block leaves of it is killed."""
    log = lab.folder / "at-work.log"
    given: Any = {"cwd": PROJECT, "env": {**os.environ, **commands.SETTINGS}, "stdin": subprocess.PIPE, "text": True}
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output, **given) as process:
        try:
            wait_until(lambda: "Press enter" in log.read_text() or process.poll() is not None, 60)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.kill()


def seconds(command: list[str]) -> tuple[float, Run]:
    """A command to its end, and how long it took."""
    began = time.monotonic()
    run = commands.run(command, timeout=60)
    return time.monotonic() - began, run


def refused(command: list[str], line: str) -> None:
    """A run ends at once, with one line of the form `line`; the best of three.

    On a busy machine, which needs long to start any program, it takes no more than a few of pyinfra's own starts."""
    for _ in range(3):
        start, _version = seconds([str(commands.BIN / "pyinfra"), "--version"])
        took, run = seconds(command)
        (found,) = [one for one in run.output.splitlines() if "another run" in one]
        assert (run.status, bool(re.fullmatch(line, found))) == (1, True), run.output
        print(f"refused after {took:.1f} s; pyinfra's own start takes {start:.1f} s")
        if took < max(AT_ONCE, STARTS * start):
            return
    pytest.fail(f"a run took {took:.1f} s to be refused")


def who(lab, where: str, user: str) -> str:
    """The line of a refusal, as an expression."""
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    return rf"{where}: another run is at work: {user}, pid \d+, {since}; wait until it has ended.*"


def mine(lab, *arguments: str) -> list[str]:
    """The first operator's run, as people see it."""
    return commands.pyinfra(lab, *arguments, file=TRUST, output="")


def theirs(lab, *arguments: str) -> list[str]:
    """The second operator's, at another machine."""
    return second_operator.pyinfra(lab, *arguments, file=TRUST)


def test_a_second_run_ends_at_once_and_says_who_is_at_work(other):
    with at_work(other, mine(other)) as run:
        refused(mine(other, "-y"), who(other, other.name, "root@.*"))
        refused(theirs(other, "-y"), who(other, f"{other.name}, {MASTER}", "root@.*"))
        run.communicate("\n", timeout=60)
        assert run.returncode == 0


def test_the_locks_of_the_dead_are_taken_over_at_once_and_those_of_the_living_elsewhere_never(other):
    own_pids = ["unshare", "--pid", "--fork", "--kill-child"]
    with at_work(other, [*own_pids, *mine(other)]) as run:
        assert "pid 1," in (other.folder / "run.lock").read_text()  # which is another's here, and lives
        refused(mine(other, "-y"), who(other, other.name, "root@.*"))
        run.kill()
        goes_on(other)
    with at_work(other, theirs(other)):
        refused(mine(other, "-y"), who(other, f"{other.name}, {MASTER}", f"{USER}@{DEV_BOX}"))
        second_operator.killed(other)
        goes_on(other)


def goes_on(lab) -> None:
    """A run succeeds at once."""
    run = commands.run(mine(lab, "-y"), timeout=60)
    assert run.status == 0, run.output


def of_node(lab, host: str, fields: str) -> str:
    """What the API says of a node."""
    return out(lab, MASTER, f"{KUBECTL} get node {host} -o jsonpath={shlex.quote(fields)}")


def running(lab) -> str:
    """The pod's container, and since when it runs."""
    fields = "{.status.containerStatuses[*].containerID} {.status.containerStatuses[*].state}"
    return out(lab, MASTER, f"{KUBECTL} get pod job -o jsonpath={shlex.quote(fields)}")


@pytest.fixture
def hurried(lab):
    """The first worker's timer looks every other second rather than every minute."""
    folder = "/run/systemd/system/openpai-gpu-health.timer.d"
    again = "systemctl daemon-reload && systemctl restart openpai-gpu-health.timer"
    out(lab, FIRST, f"mkdir -p {folder}")
    write(lab, FIRST, f"{folder}/hurry.conf", HURRY)
    out(lab, FIRST, f"{again} && systemctl start openpai-gpu-health.service")
    yield lab
    out(lab, FIRST, f"rm -r {folder} && {again}")


def test_a_gpu_off_the_bus_takes_its_node_out_of_service_until_a_person_puts_it_back(hurried):
    lab, before, disk = hurried, running(hurried), hurried.host_directory(FIRST)
    wait_until(lambda: of_node(lab, FIRST, HEALTH) == "True all 2 GPUs answer", 60, step=1)
    gpu.set_profile(disk, gpu_fell_off_bus=1)
    try:
        wait_until(lambda: nodes(lab)[FIRST] == CORDONED, 60, step=1)
        reason = of_node(lab, FIRST, FAULT)
        assert "GPU is lost" in reason
        assert of_node(lab, FIRST, HEALTH) == f"False {reason}"
        assert nodes(lab)[SECOND] == "Ready"
    finally:
        gpu.set_profile(disk, gpu_fell_off_bus=None)
    wait_until(lambda: of_node(lab, FIRST, HEALTH) == "True all 2 GPUs answer", 60, step=1)
    run = converged(lab)
    assert run.changed == 0, run.changes()
    assert (nodes(lab)[FIRST], of_node(lab, FIRST, FAULT), running(lab)) == (CORDONED, reason, before)
    out(lab, MASTER, f"{KUBECTL} uncordon {FIRST}")
    wait_until(lambda: of_node(lab, FIRST, FAULT) == "", 60, step=1)
    assert nodes(lab)[FIRST] == "Ready"


def reports(lab) -> list[Path]:
    """The dev box's reports of drift."""
    return sorted(lab.root(DEV_BOX).joinpath(second_operator.CHECKOUT[1:], "inventories", lab.name, "drift").glob("*"))


def test_the_drift_timer_says_what_was_changed_behind_the_deploys_back(other):
    deployed = commands.run(second_operator.pyinfra(other, "-y", "--data", "output=raw"), timeout=600)
    assert deployed.status == 0, deployed.output
    unit = f"openpai-drift-{other.name}"
    assert out(other, DEV_BOX, f"systemctl is-active {unit}.timer") == "active"
    out(other, DEV_BOX, f"systemctl start {unit}")
    first = reports(other)[-1].read_text()
    assert first.partition("\n")[0].endswith("UTC: nothing would change"), first
    for number in range(30):
        (reports(other)[0].parent / f"20200101T0000{number:02d}Z.txt").write_text("2020: nothing would change\n")
    out(other, FIRST, "rm /etc/sysctl.d/99-openpai-kubernetes.conf")
    out(other, DEV_BOX, f"systemctl start {unit}")
    kept, second = reports(other), reports(other)[-1].read_text()
    assert len(kept) == 30
    assert kept[-2].read_text() == first
    changes = [line.strip() for line in second.partition("New since the report before:")[2].splitlines()[1:2]]
    assert changes and changes[0].startswith(f"{FIRST}: ") and "Kernel settings at boot" in changes[0], second
    told = commands.run(second_operator.pyinfra(other, file="tasks.drift.status"), timeout=120)
    assert told.status == 0 and changes[0] in told.output, told.output
    converged(other)
    assert other.run(DEV_BOX, f"systemctl is-active {unit}.timer").returncode != 0


def by_hand() -> tuple[str, str]:
    """What docs/day2.md has for the master, and then for every node, to move a cluster's API to its name."""
    text = (PROJECT / "docs/day2.md").read_text().partition("A cluster that was made with the master's address")[2]
    master, _, rest = text.partition("and on every node, the master first: `")
    lines = [line[4:] for line in master.splitlines() if line.startswith("    ")]
    return "\n".join(lines), rest.partition("`")[0].replace("\n", " ")


def test_an_old_clusters_api_moves_to_its_name_as_the_documents_tell(lab):
    before, old = running(lab), f"https://{lab.address(MASTER)}:6443"
    served = "sed -n 's/^ *server: //p' /etc/kubernetes/kubelet.conf"
    lab.configure(kube_api_name=None)
    converged(lab)
    assert [out(lab, host, served) for host in (MASTER, FIRST, SECOND)] == [old] * 3
    on_the_master, on_every_node = by_hand()
    out(lab, MASTER, f"set -e\n{on_the_master}")
    for host in (MASTER, FIRST, SECOND):
        out(lab, host, on_every_node)
    converged(lab)
    new = "https://kubernetes-api.openpai.internal:6443"
    assert [out(lab, host, served) for host in (MASTER, FIRST, SECOND)] == [new] * 3
    assert new in out(lab, DEV_BOX, f"cat ~{USER}/pai-deploy/kube/config")
    run = converged(lab)
    assert run.changed == 0, run.changes()
    assert (set(nodes(lab).values()), running(lab)) == ({"Ready"}, before)
    out(lab, FIRST, "systemctl start openpai-gpu-health.service")


def test_a_worker_on_new_hardware_joins_under_its_old_name(lab):
    kept = "{.spec.podCIDR} {.metadata.labels.pai-worker}"
    before = of_node(lab, SECOND, kept)
    lab.reset(SECOND)
    run = pyinfra(lab, file=PREFLIGHT)
    assert run.status == 1
    (told,) = set(re.findall(r"ssh-keygen -f \S+ -R [\d.]+", "\n".join(run.lines(SECOND))))
    subprocess.run(shlex.split(told), cwd=PROJECT, check=True, capture_output=True)
    converged(lab)
    assert (nodes(lab)[SECOND], of_node(lab, SECOND, kept)) == ("Ready", before)
    assert out(lab, SECOND, "systemctl is-active kubelet openpai-gpu-health.timer").split() == ["active"] * 2
    run = converged(lab)
    assert run.changed == 0, run.changes()


def test_a_worker_csv_that_was_cut_off_takes_nobody_out_unasked(lab):
    lab.configure(departure_max=0)
    rows = lab.folder / "worker.csv"
    rows.write_text("".join(line for line in rows.read_text().splitlines(keepends=True) if not line.startswith(SECOND)))
    assert deploy(lab).status == 0
    for word in ([], ["--data", "confirm=2"]):
        run = pyinfra(lab, "-y", *word, file=REMOVE)
        assert run.status == 1
        assert f"of 2 workers 1 are in worker.csv no more: {SECOND}" in run.output
        assert "--data confirm=1" in run.output
    assert nodes(lab)[SECOND] == "Ready"
    run = pyinfra(lab, "-y", "--data", "confirm=1", file=REMOVE)
    assert (run.status, nodes(lab).keys() & {SECOND}) == (0, set()), run.output
