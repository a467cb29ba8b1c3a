"""The plan of deploy.py on bare hosts."""

import pytest
from pyinfra import logger

from tasks import time
from tests.plan.conftest import make_folder, planned
from tests.sections import sections

WORKER, MASTER, DEV_BOX = "@fake/openpai-001", "@fake/openpai-master-01", "@fake/dev-box"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The plan for the guide's cluster, to be looked at and not run."""
    with planned(make_folder(tmp_path_factory.mktemp("plan")), "deploy.py") as made:
        return made


def stages(operations):
    """The titles of the stages, in order, each once."""
    return list(dict.fromkeys(name.split(" | ")[0] for name in operations))


def test_every_role_gets_its_stages_in_the_guides_order(plan):
    for name in (WORKER, MASTER, DEV_BOX):
        found = stages(plan.operations(name))
        expected = ["SSH trust", "Apt goes through the proxy", "Time", "Docker"]
        assert [stage for stage in found if stage in expected] == expected, name


def test_a_plan_changes_nothing_on_any_host(plan):
    for name in (WORKER, MASTER, DEV_BOX):
        for command in plan.commands(name):
            for word in ("apt-get", "systemctl enable", "systemctl restart", "usermod", "mv -f", "apt-mark hold"):
                assert word not in command, f"{name} was given: {command}"


def test_the_dev_box_alone_gets_a_key_pair(plan):
    assert "SSH trust | The dev box has a key pair" in plan.operations(DEV_BOX)
    assert "SSH trust | The dev box has a key pair" not in plan.all_operations(WORKER)


def test_time_on_the_master_only_when_so_configured(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("ntp_hosts: master\n")
    with planned(folder, "deploy.py") as plan:
        assert "Time" in stages(plan.operations(MASTER))
        assert "Time" not in stages(plan.operations(WORKER))


def test_an_invalid_daemon_json_stops_that_host_alone(folder, caplog):
    logger.propagate = True
    empty = dict.fromkeys(("version", "unit", "ctimes", "units", "applied", "info", "containers"), "")
    broken = {"systemctl show docker.service": sections(**empty, file="{not json", clock="10.0\n5.0")}
    with planned(folder, "deploy.py", {"openpai-001": broken}) as plan:
        assert "/etc/docker/daemon.json is not valid: line 1 column 2" in caplog.text
        assert "Docker | Options in daemon.json" in plan.operations("@fake/openpai-002")


def test_the_password_is_in_no_command(plan):
    for name in (WORKER, MASTER, DEV_BOX):
        assert not [command for command in plan.commands(name) if "never-shown" in command]


def test_a_master_without_kubernetes_gets_no_docker(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write("installer: none\n")
    with planned(folder, "deploy.py") as plan:
        assert "Docker" not in stages(plan.all_operations(MASTER))
        assert "Docker" in stages(plan.operations(WORKER))


@pytest.mark.parametrize(("id_", "version", "daemon"), [("ubuntu", "22.04", "chrony"), ("debian", "12", "ntpsec")])
def test_the_releases_own_time_daemon_is_taken(folder, id_, version, daemon):
    answers = {"os-release": sections(release=f'ID={id_}\nVERSION_ID="{version}"')}
    with planned(folder, time.synchronise, {"openpai-001": answers}) as plan:
        assert any(
            "systemctl show" in command and f"-- {daemon}.service" in command for command in plan.commands(WORKER)
        )
