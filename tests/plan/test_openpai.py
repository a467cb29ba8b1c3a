"""The plan of the OpenPAI stage: everything once on a cluster without it, nothing where it is as it should be."""

import hashlib
import json

import pytest
from pyinfra import logger

import cluster
from cluster.openpai import chosen
from tasks import openpai
from tasks.openpai.judge import key
from tasks.openpai.operations.configuration import rendered, wanted_sum
from tests.plan.conftest import planned

DEV_BOX, MASTER, WORKER = "@fake/dev-box", "@fake/openpai-master-01", "@fake/openpai-001"
PAIDEPLOY = "/home/paiadmin/pai-deploy"
MEASURED = {
    "nodes": {
        name: {"cpu": "16", "memory": "65000000Ki", "nvidia.com/gpu": "4", "gpu_model": "H100"}
        for name in ("openpai-001", "openpai-002", "openpai-003", "openpai-004")
    },
    "pods": [],
}


@pytest.fixture
def essential(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("openpai_services: essential\nkubernetes_version: v1.20.15\n")
    return folder


def sections(**texts):
    return [line for name, text in (texts | {"end": ""}).items() for line in ("", f"@@ {name}", *text.splitlines())]


def hardware():
    return sections(objects="\n".join(f"Node||{name}|16|65000000Ki|4||||" for name in MEASURED["nodes"]))


def up(folder, tag="v1.0.0"):
    """A cluster on which OpenPAI is as the folder's config wants it."""
    described = cluster.load(folder)
    files = rendered(described, json.dumps(MEASURED))
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    services = chosen(described.config)
    workloads = [
        f"{key(one)}|1|1|1|1|1|{' '.join(image.replace('v1.0.0', tag) for image in one.images)} |||"
        for service in services
        for one in service.workloads
    ]
    objects = [f"{one.kind}/{one.namespace}/{one.name}|||||||||" for service in services for one in service.objects]
    listed = "\n".join(f"{sum_} {name}" for name, sum_ in sums.items())
    nodes = ["Node//openpai-master-01||||||||true|", *(f"Node//{one.name}|||||||||true" for one in described.workers)]
    pushed = [f"pai-configuration/{name} {sum_}" for name, sum_ in sums.items()]
    started = [f"openpai-deploy/{service.name} {wanted_sum(described, sums)}" for service in services]
    return sections(
        objects="\n".join(f"{line}|||" for line in [*nodes, *workloads, *objects]), files=listed,
        data="\n".join([*pushed, *started, "pai-cluster-id/cluster-id pai"]),
    )  # fmt: skip


def answers(folder, state):
    commit = "c5f5542e8a668891842eb8ec730e089b454fab94"
    return {
        "dev-box": {
            "section name id -un": sections(name="paiadmin", home="/home/paiadmin"),
            "openpai/hardware.sh": hardware(),
            "openpai/cluster-state.sh": state,
            "measured.json": sections(text=json.dumps(MEASURED)),
            "rev-parse HEAD": sections(commit=commit, changed=""),
            "-- git": sections(packages="git install installed 1:2.39.5"),
        }
    }


def titles(names):
    return [name.rpartition(" | ")[2] for name in names]


def test_a_cluster_without_openpai_gets_everything_once_on_the_dev_box(essential):
    with planned(essential, openpai.install) as plan:
        assert plan.all_operations(MASTER) == plan.all_operations(WORKER) == []
        expected = ["OpenPAI's source at its commit", "OpenPAI's configuration, from measured hardware"]
        assert [title for title in titles(plan.operations(DEV_BOX)) if title in expected] == expected


def test_a_cluster_where_all_is_right_is_left_alone(essential):
    with planned(essential, openpai.install, answers(essential, up(essential))) as plan:
        assert "How to get in" in titles(plan.all_operations(DEV_BOX))
        changed = [title for title in titles(plan.operations(DEV_BOX)) if "kubectl" not in title and "Git" not in title]
        assert changed == []


def test_what_paictls_environment_is_made_with_is_installed(essential, monkeypatch):
    with (essential / "config.yaml").open("a") as config:
        config.write("paictl: python2\n")
    installed = []
    monkeypatch.setattr("tasks.apt.packages", lambda name, names, hold: installed.extend(names))
    with planned(essential, openpai.install):
        assert {"python3-venv", "parallel"} <= set(installed)


def test_one_service_that_lacks_a_pod_is_started_alone(essential):
    state = [line.replace("rest-server-ds|1|1|1|1|1", "rest-server-ds|1|1|1|0|1") for line in up(essential)]
    with planned(essential, openpai.install, answers(essential, state)) as plan:
        assert "OpenPAI's services run" in titles(plan.operations(DEV_BOX))
        assert "The cluster has the configuration" not in titles(plan.operations(DEV_BOX))


def test_a_service_of_another_configuration_is_started_by_paictl_and_noted(essential):
    state = [line.replace("webportal ", "webportal un") for line in up(essential)]
    with planned(essential, openpai.install, answers(essential, state)) as plan:
        plan.run()
        started = [command for command in plan.commands(DEV_BOX) if "service start" in command]
        assert len(started) == 1 and "webportal" in started[0]
        noted = [command for command in plan.commands(DEV_BOX) if "patch configmap" in command]
        assert len(noted) == 1 and "webportal" in noted[0]


def test_another_version_stops_with_the_way_to_upgrade(essential, caplog):
    logger.propagate = True
    with planned(essential, openpai.install, answers(essential, up(essential, tag="v0.9"))):
        assert "tasks.openpai.upgrade" in caplog.text


def test_openpai_can_be_left_out(essential):
    with (essential / "config.yaml").open("a") as config:
        config.write("openpai: false\n")
    with planned(essential, openpai.install) as plan:
        assert plan.all_operations(DEV_BOX) == []


def test_no_job_is_made_up_for_gpus_of_an_unknown_vendor(essential, caplog):
    with (essential / "config.yaml").open("a") as config:
        config.write("gpu_type: amd\n")
    logger.propagate = True
    with planned(essential, openpai.first_job, answers(essential, up(essential))):
        assert "no job is known that shows a GPU of gpu_type amd" in caplog.text


def test_no_password_is_in_a_command(essential):
    secrets = rendered(cluster.load(essential), json.dumps(MEASURED))["services-configuration.yaml"]
    password = next(line.split(": ")[1] for line in secrets.splitlines() if "default-pai-admin-password" in line)
    assert len(password) > 20
    with planned(essential, openpai.install, answers(essential, up(essential))) as plan:
        plan.run()
        assert not [command for command in plan.commands(DEV_BOX) if password in command or "never-shown" in command]
