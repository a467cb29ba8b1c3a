"""The registry's login in the plan of a deploy: where it goes, when it is no change, and that nothing shows it."""

import base64

import pytest

from tasks import docker, kubernetes
from tests.plan.conftest import make_folder, planned
from tests.sections import sections

WORKER, MASTER, DEV_BOX = "@fake/openpai-001", "@fake/openpai-master-01", "@fake/dev-box"
CLIENT = "Docker | Root's Docker is logged in to the config's registry"
KUBELET = "The kubelet is logged in to the config's registry"
PASSWORD = "hunter2hunter2"


@pytest.fixture
def folder(folder):
    with (folder / "config.yaml").open("a") as config:
        config.write(f"docker_registry_username: me\ndocker_registry_password: {PASSWORD}\n")
    return folder


def test_root_of_every_host_and_the_kubelet_of_every_node_is_logged_in(folder):
    with planned(folder, docker.install) as plan:
        assert all(CLIENT in plan.operations(host) for host in (WORKER, MASTER, DEV_BOX))
        _secret_to(plan)


@pytest.mark.parametrize("installer", ["kubeadm", "kubespray", "none"])
def test_the_kubelet_of_every_node_is_logged_in_before_it_starts(folder, installer):
    with (folder / "config.yaml").open("a") as config:
        config.write(f"installer: {installer}\n")
    with planned(folder, kubernetes.install) as plan:
        steps = {host: plan.all_operations(host) for host in (WORKER, MASTER, DEV_BOX)}
        found = {host for host, names in steps.items() for name in names if name.endswith(KUBELET)}
        assert found == (set() if installer == "none" else {WORKER, MASTER})
        if installer == "kubeadm":  # and a host of another cluster is not touched
            names = [name.rpartition("| ")[2] for name in steps[WORKER]]
            assert names.index("What Kubernetes is here may be gone on with") < names.index(KUBELET)
            assert names.index(KUBELET) < names.index("The kubelet runs with its configuration")
        _secret_to(plan)


def _secret_to(plan):
    auth = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    for text in plan.texts():
        assert PASSWORD not in text and auth not in text


def test_a_login_that_is_there_is_no_change_unless_others_can_read_it(folder):
    there = {"docker/logins.sh": sections(found="ours 600 root")}
    open_to_others = {"docker/logins.sh": sections(found="ours 644 root")}
    with planned(folder, docker.install, {"openpai-001": there, "openpai-002": open_to_others}) as plan:
        assert CLIENT not in plan.operations(WORKER) and CLIENT in plan.all_operations(WORKER)
        assert CLIENT in plan.operations("@fake/openpai-002")


def test_without_a_login_nothing_is_asked(tmp_path):

    with planned(make_folder(tmp_path), docker.install) as plan:
        assert CLIENT not in plan.all_operations(WORKER)
        assert not [text for text in plan.texts() if "logins.sh" in text]
