"""Hosts named after the CSV files: which are renamed, and how."""

import pytest

from tasks import kubernetes
from tasks.kubernetes.facts.own_name import renamed
from tests.plan.conftest import planned
from tests.sections import sections

WORKER = "@fake/openpai-001"
TITLE = "The host has its name"


def called(name, hosts="", node=""):
    return {"openpai-001": {"uname -n": sections(name=name, hosts=hosts, node=node)}}


def with_key(folder):
    config = folder / "config.yaml"
    config.write_text(f"{config.read_text()}set_hostnames: true\n")
    return folder


def renames(plan):
    return [name for name in plan.operations(WORKER) if TITLE in name]


def test_nothing_is_renamed_unasked(folder):
    with planned(folder, kubernetes.install, called("ubuntu")) as plan:
        assert not any(TITLE in name for name in plan.all_operations(WORKER))


def test_a_host_gets_its_name_and_its_line_in_etc_hosts(folder):
    with planned(with_key(folder), kubernetes.name_host, called("ubuntu", "127.0.1.1 ubuntu")) as plan:
        assert len(renames(plan)) == 1
        assert "hostnamectl set-hostname openpai-001" in list(plan.texts())
        assert not any(TITLE in name for name in plan.all_operations("@fake/dev-box"))


def test_a_host_that_has_its_name_is_left_alone(folder):
    right = called("openpai-001", "127.0.0.1 localhost\n127.0.1.1 openpai-001", "/etc/kubernetes/kubelet.conf")
    with planned(with_key(folder), kubernetes.name_host, right) as plan:
        assert not renames(plan)


def test_a_kubernetes_node_keeps_its_name_and_the_host_stops(folder, caplog):
    node = called("gpu-7", "127.0.1.1 gpu-7", "/etc/kubernetes/kubelet.conf")
    with planned(with_key(folder), kubernetes.name_host, node) as plan:
        assert "this host is a Kubernetes node by the name of gpu-7, not openpai-001" in caplog.text
        assert "hostnamectl set-hostname openpai-001" not in list(plan.texts())


@pytest.mark.parametrize(
    ("before", "old", "after"),
    [
        ("127.0.0.1 localhost", "debian", "127.0.0.1 localhost\n127.0.1.1 new\n"),
        ("127.0.1.1\told", "old", "127.0.1.1 new\n"),
        (
            "127.0.1.1 old.example.com old # ours",
            "old",
            "127.0.1.1 new.example.com new # ours\n",
        ),
        ("127.0.1.1 old.example.com old", "old.example.com", "127.0.1.1 new.example.com new\n"),
        ("127.0.1.1 older old", "old", "127.0.1.1 older new\n"),
        ("127.0.1.1 nas backup", "old", "127.0.1.1 nas backup\n127.0.1.1 new\n"),
        ("# 127.0.1.1 new", "old", "# 127.0.1.1 new\n127.0.1.1 new\n"),
        ("10.0.0.5 new", "old", "10.0.0.5 new\n"),
        ("10.0.0.5 old\n127.0.1.1 old", "old", "10.0.0.5 old\n127.0.1.1 new\n"),
        ("127.0.1.1 localhost", "localhost", "127.0.1.1 localhost\n127.0.1.1 new\n"),
        ("", "", "127.0.1.1 new\n"),
    ],
)
def test_the_hosts_own_line_goes_along_and_no_other(before, old, after):
    assert renamed(before, old, "new") == after
    assert renamed(after, "new", "new") == after
