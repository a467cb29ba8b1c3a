"""OpenPAI: its services run, the portal answers, a login by the folder's password alone, a job that sees its GPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from cluster import Cluster, Host, Role, secrets, versions
from cluster.openpai import chosen, left_as_published
from tests.hosts.conftest import ahead_key, connections_key
from tests.hosts.connections import Connections
from tests.hosts.kubectl import Kubectl
from tests.hosts.portal import Job, Portal
from tests.hosts.probes import Answer, Probe, RunAs
from tests.hosts.report import expect, expect_answer
from tests.hosts.targets import Target, applies_to

Answers = dict[str, Answer]
REMEDY = "see docs/openpai.md, When it does not work"
CHANGE = "change it: pyinfra INVENTORY tasks.openpai.change_admin_password"
# What a portal, a login and a job need, by the names that OpenPAI's own manifests give them.
NEEDED = {
    "daemonset": ("postgresql-ds", "rest-server-ds", "webportal-ds", "pylon-ds", "log-manager-ds"),
    "statefulset": ("frameworkcontroller-sts",),
}
# OpenPAI's tool leaves copies of the configuration, with every password, in /tmp for anybody to read.
LEFTOVERS = "find /tmp -maxdepth 1 -name 'tmp-service-config-*' -o -maxdepth 1 -name '*cluster-configuration*'"

SERVICES = Probe("services", "cat ~/pai-deploy/cluster-cfg/services-configuration.yaml", run_as=RunAs.USER)


def dev_boxes(cluster: Cluster, host: Host) -> bool:
    """The dev box, where there is an OpenPAI."""
    return cluster.config.openpai and host.role is Role.DEV_BOX


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    yield Probe("leftovers", LEFTOVERS)
    folder = "~/pai-deploy/cluster-cfg"
    modes = f"stat -c '%a %n' {folder} {folder}/layout.yaml {folder}/services-configuration.yaml"
    yield Probe("modes", modes, run_as=RunAs.USER)
    yield SERVICES


@pytest.fixture(scope="module")
def kubectl(pytestconfig: pytest.Config, targets: tuple[Target, ...]) -> Kubectl:
    """kubectl on the dev box."""
    return Kubectl(pytestconfig.stash[connections_key], _dev_box(targets))


@pytest.fixture(scope="module")
def portal(
    pytestconfig: pytest.Config, targets: tuple[Target, ...], tmp_path_factory: pytest.TempPathFactory
) -> Portal:
    """The portal through the dev box; a path of its own, as a socket's must be short."""
    return Portal(pytestconfig.stash[connections_key], _dev_box(targets), tmp_path_factory.mktemp("p"))


def _dev_box(targets: tuple[Target, ...]) -> Target:
    return Target(targets[0].cluster.dev_box, targets[0].cluster, targets[0].inventory)


def _password(target: Target) -> str:
    return secrets.services(target.cluster).admin_password.get_secret_value()


@applies_to(dev_boxes)
def test_services_run(target: Target, kubectl: Kubectl) -> None:
    lacking = []
    for kind, names in NEEDED.items():
        objects = {item["metadata"]["name"]: item["status"] for item in kubectl.json(kind)}
        for name in names:
            status = objects.get(name, {})
            wanted = status.get("desiredNumberScheduled", status.get("replicas", 1))
            ready = status.get("numberReady", status.get("readyReplicas", 0))
            if ready < max(wanted, 1):
                lacking.append(f"{name} {ready}/{wanted}" if status else f"no {name}")
    needed = "every service that portal, login and jobs need"
    expect(not lacking, target, found=", ".join(lacking), needed=needed, remedy=REMEDY)


@applies_to(dev_boxes)
def test_portal_answers(target: Target, portal: Portal) -> None:
    status, text = portal.ask("GET", "/")
    followed = status in (301, 302) or (status == 200 and "<html" in text.lower())
    expect(followed, target, found=f"status {status}", needed="the portal's page", remedy=REMEDY)


@applies_to(dev_boxes)
def test_the_folders_password_logs_in(target: Target, portal: Portal) -> None:
    status, answer = portal.login("admin", _password(target))
    found = f"status {status}: {answer.get('message', 'no token')}"
    expect(status == 200 and "token" in answer, target, found=found, needed="a login as admin", remedy=CHANGE)


@applies_to(dev_boxes)
def test_no_other_password_logs_in(target: Target, portal: Portal) -> None:
    for password, what in (("admin-password", "OpenPAI's published password"), ("not-the-password", "a wrong one")):
        status, _ = portal.login("admin", password)
        expect(status >= 400, target, found=f"{what} logs in as admin", needed="a refusal", remedy=CHANGE)


@applies_to(dev_boxes)
def test_no_password_of_the_hosts_is_in_the_cluster(target: Target, kubectl: Kubectl) -> None:
    if target.config.password is None:
        return
    password, content = target.config.password.get_secret_value(), kubectl("get configmap pai-configuration -o yaml")
    needed = "a configuration without the hosts' password"
    expect(password not in content, target, found="it is in ConfigMap pai-configuration", needed=needed,
           remedy=f"run the deploy: {target.deploy}")  # fmt: skip


@applies_to(dev_boxes)
def test_no_published_secret_is_in_use(target: Target, kubectl: Kubectl) -> None:
    """What everybody can read in OpenPAI's source: passwords of the database and the logs, keys of tokens."""
    pushed = kubectl(r"get configmap pai-configuration -o jsonpath='{.data.services-configuration\.yaml}'")
    running = {service.name for service in chosen(target.config)}
    left = left_as_published(yaml.safe_load(pushed) or {}, versions.of(target.config))
    found = ", ".join(f"{one.service}'s {one.key}" for one in left if one.service in running)
    expect(not found, target, found=f"as OpenPAI publishes it: {found}", needed="secrets of this cluster's own",
           remedy=f"run the deploy, which makes and pushes them: {target.deploy}")  # fmt: skip


@applies_to(dev_boxes)
def test_nothing_with_a_password_is_left_for_others_to_read(target: Target, answers: Answers) -> None:
    left = expect_answer(answers["leftovers"], target, needed="a look at /tmp", remedy=REMEDY)
    expect(not left, target, found=left, needed="no copy of the configuration in /tmp", remedy="remove it")
    modes = expect_answer(answers["modes"], target, needed="the configuration", remedy=f"run: {target.deploy}")
    open_ = [line for line in modes.splitlines() if line.split()[0] not in ("600", "700")]
    expect(not open_, target, found="; ".join(open_), needed="modes 700 and 600", remedy="chmod them")


@dataclass(frozen=True)
class Trial:
    """A job that was submitted: what REST said to that, the state that it ended in, and its log."""

    name: str
    status: int
    said: str
    state: str = ""
    log: str | None = None


def _jobs(stack: ExitStack, connections: Connections, targets: tuple[Target, ...]) -> list[Trial]:
    """One job for each kind of machine that HiveD knows; one job without HiveD. Nothing of them is to be removed."""
    del stack
    dev_box = _dev_box(targets)
    config = dev_box.config
    services = connections.ask(dev_box, [SERVICES])["services"]
    if config.gpu_type != "nvidia" or not services.ok:
        return []
    folder = connections.folder / "jobs"
    folder.mkdir()
    portal, found = Portal(connections, dev_box, folder), []
    _, login = portal.login("admin", _password(dev_box))
    for virtual_cluster, sku in _kinds(yaml.safe_load(services.out)):
        job = Job(portal, login["token"], f"verify-{sku or 'gpu'}-{int(time.time())}".lower())
        extras = {"hivedScheduler": {"taskRoles": {"trial": {"skuNumber": 1, "skuType": sku}}}} if sku else {}
        status, said = job.submit(config.first_job_image or config.cuda_image, extras, virtual_cluster)
        state = job.wait(config.first_job_timeout) if status == 202 else ""
        found.append(Trial(job.name, status, said, state, job.log() if state == "SUCCEEDED" else None))
    return found


AHEAD = {"jobs": _jobs}


@pytest.fixture(scope="module")
def jobs(pytestconfig: pytest.Config) -> list[Trial]:
    """What came of the jobs."""
    return pytestconfig.stash[ahead_key].get("jobs")


@applies_to(dev_boxes)
def test_a_job_sees_its_gpu(target: Target, answers: Answers, jobs: list[Trial]) -> None:
    expect_answer(answers["services"], target, needed="the configuration", remedy=f"run: {target.deploy}")
    for job in jobs:
        taken, needed = job.status == 202, "a job that is taken"
        expect(taken, target, found=f"{job.name}: {job.said[:200]}", needed=needed, remedy=REMEDY)
        found = f"{job.name} {job.state}"
        expect(job.state == "SUCCEEDED", target, found=found, needed="SUCCEEDED", remedy=REMEDY)
        if job.log is None:  # its state is all that REST tells; nvidia-smi fails where there is no GPU
            continue
        found = f"its log: {job.log[-200:]!r}"
        expect("GPU 0:" in job.log, target, found=found, needed="a GPU in its log", remedy=REMEDY)


def _kinds(services: dict[str, Any]) -> list[tuple[str, str]]:
    """A virtual cluster and a kind of machine in it, each kind once."""
    hived = services.get("hivedscheduler", {}).get("config")
    if not hived:
        return [("default", "")]
    found: dict[str, str] = {}
    for name, cluster in yaml.safe_load(hived)["virtualClusters"].items():
        for cell in cluster["virtualCells"]:
            found.setdefault(cell["cellType"].split("-NODE-POOL.")[0], name)
    return [(name, sku) for sku, name in found.items()]
