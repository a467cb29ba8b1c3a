"""Records of a cluster of many hosts with all that can go wrong, for the report's tests and its picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster import Cluster, Config, Host, Problem, Role
from cluster import report as cluster_report
from cluster.report import save
from tasks.preflight.model import Clock, Survey
from tasks.preflight.report import as_json
from tasks.preflight.verdict import Verdict, judge
from tests.hosts.outcomes import ERROR, FAILED, PASSED, SKIPPED, Outcome
from tests.hosts.record import document
from tests.hosts.targets import Target
from tests.hosts.unreached import NOT_ASKED
from tests.unit.preflight_survey import CAPTURED_UNDER, DEV_BOX, MASTER, WORKER, surveyed

DEPLOY = "pyinfra inventories/prod.py deploy.py"
STAGES = {"Preflight": 4.7, "SSH trust": 6.2, "Time": 9.8, "Docker": 96.4, "GPU driver": 402.0, "GPU runtime": 21.3,
          "Kubernetes": 318.5, "OpenPAI": 547.0}  # fmt: skip
UNREACHED, NO_DRIVER, SMALL, WRONG_RUNTIME = (7, 12), (3, 4), (15, 16, 17, 18), (5,)


def names(workers: int) -> list[str]:
    """Every host: dev box, master, and so many workers."""
    return [DEV_BOX, MASTER, *(worker(number) for number in range(1, workers + 1))]


def worker(number: int) -> str:
    """The name of a worker."""
    return f"openpai-{number:03}"


def address(name: str) -> str:
    """The address of a host."""
    fixed = {DEV_BOX: "10.0.0.10", MASTER: "10.0.0.11"}
    return fixed.get(name) or f"10.0.{1 + int(name[-3:]) // 250}.{int(name[-3:]) % 250}"


def hosts(workers: int) -> list[Host]:
    """The hosts, with their roles."""
    roles = {DEV_BOX: Role.DEV_BOX, MASTER: Role.MASTER}
    return [Host(name, address(name), roles.get(name, Role.WORKER)) for name in names(workers)]


def cluster(workers: int) -> Cluster:
    """A cluster of so many workers."""
    dev_box, master, *others = hosts(workers)
    config = Config.model_validate({**CAPTURED_UNDER, "password": "never-shown"})
    return Cluster(Path("/inventories/prod"), dev_box, (master,), tuple(others), config)


def looked_at(workers: int) -> Survey:
    """What preflight saw: captured hosts under these names, some down, some too small, some by DHCP."""
    captured = surveyed("bookworm")
    described = cluster(workers)
    every = {f"{host.address}:22": "ok" for host in described.hosts} | {"10.77.3.1:3128": "ok"}
    snapshots = {}
    for number, host in enumerate(described.hosts):
        seen = captured.snapshots[{DEV_BOX: DEV_BOX, MASTER: MASTER}.get(host.name, WORKER)]
        last = seen.addresses[-1]
        snapshots[host.name] = replace(
            seen, hostname=host.name, machine_id=f"{number:032}", peers=every, memory=64 * 10**9,
            macs={last.interface: f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"},
            addresses=(replace(last, address=host.address),),
        )  # fmt: skip
    for name in map(worker, SMALL):
        snapshots[name] = replace(snapshots[name], memory=8 * 10**9 + int(name[-3:]) * 10**6)
    for name in map(worker, (1, 2, 9)):
        snapshots[name] = replace(snapshots[name], swaps=("/swapfile",), addresses=tuple(
            replace(each, dynamic=True) if hasattr(each, "dynamic") else each for each in snapshots[name].addresses
        ))  # fmt: skip
    absent = {}
    for name in map(worker, UNREACHED):
        del snapshots[name]
        absent[name] = Problem(
            f"{address(name)}: no SSH connection to port 22 (timed out)",
            "check that the machine is up, its address and its sshd",
            needed="an SSH connection",
        )
    clocks = {name: Clock(20.0, 15.0) for name in snapshots}
    return Survey(cluster=described, snapshots=snapshots, absent=absent, clocks=clocks)


def preflight(workers: int) -> tuple[Verdict, dict[str, Any]]:
    """Preflight's verdict, and its JSON."""
    survey = looked_at(workers)
    verdict = judge(survey)
    return verdict, as_json(verdict, survey) | {"time": "2026-11-26T20:58:41+00:00"}


def deploy(workers: int) -> dict[str, Any]:
    """deploy.json of a run in which two hosts were down and the driver of two more did not load."""
    found: dict[str, Any] = {}
    for host in hosts(workers):
        number = int(host.name[-3:]) if host.role is Role.WORKER else 0
        stages = {stage: "well" if stage in ("Preflight", "Time") else "changed" for stage in STAGES}
        if host.role is not Role.WORKER:
            stages |= {"GPU driver": "not run", "GPU runtime": "not run"}
        state, failure = "well", None
        if number in UNREACHED:
            state, stages = "not reached", dict.fromkeys(STAGES, "not run")
            failure = _failure("Preflight", "", f"{host.address}: no SSH connection to port 22 (timed out)",
                               "check that the machine is up, its address and its sshd", host.name)  # fmt: skip
        elif number in NO_DRIVER:
            state = "failed"
            stages |= {"GPU driver": "failed"} | dict.fromkeys(("GPU runtime", "Kubernetes", "OpenPAI"), "not run")
            reason, remedy = (
                f"{host.name}: modprobe nvidia: No such device",
                "look for NVRM in dmesg; power-cycle the host",
            )
            failure = _failure("GPU driver", "GPU driver | The driver's module is loaded", reason, remedy, host.name)
        changed = [
            {"stage": stage, "operation": f"{stage} | {what}", "at": f"2026-11-26T21:0{minute}:{number % 50 + 10}Z"}
            for minute, (stage, what) in enumerate(
                (("SSH trust", "The dev box's key"), ("Docker", "Docker's packages"), ("Docker", "daemon.json"),
                 ("GPU driver", "NVIDIA's driver"), ("GPU runtime", "nvidia-container-toolkit"),
                 ("Kubernetes", "The node joins"), ("OpenPAI", "The node's label"))
            )
            if stages[stage] == "changed"
        ]  # fmt: skip
        found[host.name] = {
            "role": host.role.value,
            "state": state,
            "stages": stages,
            "changed": changed,
            "failure": failure,
        }
    return {
        "kind": "deploy", "cluster": "prod", "begun": "2026-11-26T21:00:04+00:00", "ended": "2026-11-26T21:23:30+00:00",
        "dry": False, "status": 1, "stages": [{"name": name, "seconds": took} for name, took in STAGES.items()],
        "hosts": found, "next": DEPLOY,
    }  # fmt: skip


def _failure(stage: str, operation: str, reason: str, remedy: str, host: str) -> dict[str, str]:
    return {
        "stage": stage,
        "operation": operation,
        "reason": reason,
        "remedy": remedy,
        "log": f"reports/prod/run.log ({host})",
    }


def outcomes(workers: int) -> list[Outcome]:
    """What came of the checks."""
    found = []
    for host in hosts(workers):
        number = int(host.name[-3:]) if host.role is Role.WORKER else 0
        tests = [
            "test_service_runs_now_and_after_a_boot",
            "test_clock_follows_a_configured_server",
            "test_default_runtime",
        ]
        tests += ["test_dev_box_logs_in_without_a_password", "test_pods_reach_each_other"] * (host.role is Role.WORKER)
        for position, test in enumerate(tests):
            outcome, message = PASSED, ""
            if number in UNREACHED:
                outcome = SKIPPED if position else ERROR
                said = (
                    f"({host.address}): ssh: connect to host {host.address} port 22: No route to host; check that the "
                )
                message = f"{NOT_ASKED}{host.name} gives no answer" if position else f"{host.name} {said}machine is up"
            elif number in WRONG_RUNTIME + NO_DRIVER and test == "test_default_runtime":
                outcome = FAILED
                message = f"{host.name}: found Docker's default runtime runc; needed nvidia; run the deploy: `{DEPLOY}`"
            found.append(Outcome(host.name, host.address, test, outcome, message))
    return found


def verify(workers: int) -> dict[str, Any]:
    """verify.json of a run over these hosts."""
    described = cluster(workers)
    targets = [Target(host, described, Path("/inventories/prod.py")) for host in described.hosts]
    made = document(targets, outcomes(workers), {}) | {"time": "2026-11-26T21:30:12+00:00"}
    for target in targets:
        number = int(target.name[-3:]) if target.host.role is Role.WORKER else 0
        if number in UNREACHED:
            continue
        heard: dict[str, Any] = {"clock_seconds": 0.0004}
        if target.host.role is Role.MASTER:
            days = {"pki/apiserver.crt": 364, "pki/etcd/server.crt": 21, "admin.conf": 364, "pki/ca.crt": 3649}
            heard["certificates_days"] = days
        if target.host.role is Role.WORKER:
            gpu = {"name": "NVIDIA A100-SXM4-80GB", "driver": "535.183.01", "memory": "81920", "persistence": "Enabled"}
            heard |= {"gpus": [gpu] * (0 if number in NO_DRIVER else 8), "gpus_on_bus": 8, "health": []}
            if number == 9:
                heard["health"] = ["GPU 00000000:3B:00.0 has memory to be remapped; drain the host and reboot it"]
        made["hosts"][target.name] = heard
    return made


def write(folder: Path, workers: int = 20, kinds: Sequence[str] = ("preflight", "deploy", "verify")) -> Path:
    """Put these records into `folder`, which is made."""
    made = {
        "preflight": lambda: preflight(workers)[1],
        "deploy": lambda: deploy(workers),
        "verify": lambda: verify(workers),
    }
    for kind in kinds:
        save(folder / f"{kind}.json", json.loads(json.dumps(made[kind]())))
    return folder


if __name__ == "__main__":
    # FOLDER WORKERS: for those who cannot have pyinfra, which replaces threads, in their own process.
    cluster_report.write(write(Path(sys.argv[1]), int(sys.argv[2])))
