"""deployed.yaml: what was deployed, and what an edit of the CSV files means against it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cluster import ClusterError, load
from cluster.files import departed_hosts, forget_deployed, record_deployed
from tests.unit.cluster_folder import WORKER, M, W, assert_lines, lines_of, write


def deployed(folder: Path) -> Path:
    record_deployed(load(write(folder, {})))
    return folder


def test_nothing_to_say_after_a_deploy(tmp_path: Path) -> None:
    assert lines_of(deployed(tmp_path)) == []
    assert stat.S_IMODE((tmp_path / "deployed.yaml").stat().st_mode) == 0o600


def test_an_added_host(tmp_path: Path) -> None:
    found = lines_of(write(deployed(tmp_path), {W: WORKER + "openpai-005,10.0.0.5\n"}))
    assert found == [f"{W}:5: notice: openpai-005 is new; the next deploy adds it [host-new]"]


def test_a_removed_host(tmp_path: Path) -> None:
    (said,) = lines_of(write(deployed(tmp_path), {W: WORKER.replace("openpai-002,10.0.0.2\n", "")}))
    assert said.startswith(
        "deployed.yaml:9: notice: openpai-002 (10.0.0.2) was deployed and is in no CSV file; a deploy"
    )
    assert (tmp_path / "deployed.yaml").read_text().split("\n")[8] == "- name: openpai-002"


def test_a_host_with_another_address(tmp_path: Path) -> None:
    found = lines_of(write(deployed(tmp_path), {W: WORKER.replace("10.0.0.2", "10.0.0.9")}))
    assert_lines(found, [f"{W}:2: notice: openpai-002 was deployed at 10.0.0.2; remove it and add it again"])


def test_a_host_with_another_role(tmp_path: Path) -> None:
    found = lines_of(write(deployed(tmp_path), {M: "openpai-001,10.0.0.1\n", W: "openpai-master-01,10.1.0.1\n"}))
    assert_lines(found[:1], ["deployed.yaml:"])
    assert f"{M}:1: notice: openpai-001 was deployed as worker; remove it from the cluster before" in "\n".join(found)


def test_notices_do_not_keep_a_folder_from_use(tmp_path: Path) -> None:
    assert load(write(deployed(tmp_path), {W: "openpai-009,10.0.0.9\n"})).workers


def test_departed_hosts_stay_in_the_record_until_forgotten(tmp_path: Path) -> None:
    write(deployed(tmp_path), {W: "openpai-001,10.0.0.1\n"})
    cluster = load(tmp_path)
    names = ["openpai-002", "openpai-003", "openpai-004"]
    assert [host.name for host in departed_hosts(cluster)] == names
    record_deployed(cluster)
    assert [host.name for host in departed_hosts(cluster)] == names
    forget_deployed(cluster, names[:2])
    assert [host.name for host in departed_hosts(cluster)] == names[2:]


def test_writing_the_same_again_touches_nothing(tmp_path: Path) -> None:
    path = deployed(tmp_path) / "deployed.yaml"
    before = path.stat()
    record_deployed(load(tmp_path))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_nothing_departed_before_the_first_deploy(tmp_path: Path) -> None:
    assert departed_hosts(load(write(tmp_path, {}))) == ()


def test_an_unreadable_record_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    cluster = load(write(tmp_path, {"deployed.yaml": "hosts: [\n"}))
    for use in (departed_hosts, record_deployed):
        with pytest.raises(ClusterError, match=r"deployed.yaml:2: column 1: not YAML"):
            use(cluster)
