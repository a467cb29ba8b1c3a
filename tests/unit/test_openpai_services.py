"""The catalogue of OpenPAI's services against what its source says, and what a config makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import Config, versions
from cluster.openpai import (
    COMMITS,
    Nodes,
    available,
    catalogue,
    chosen,
    commit,
    images,
    paictl_image,
    parse_layout,
    ports,
    reference,
    replaced_images,
    requested,
)

RELEASES = [
    "v1.0.0",
    "v1.0.1",
    "v1.1.1",
    "v1.2.1",
    "v1.3.0",
    "v1.4.1",
    "v1.5.0",
    "v1.6.0",
    "v1.7.0",
    "v1.8.1",
    "master",
]
LEAST_1_8 = [
    "cluster-configuration",
    "internal-storage",
    "device-plugin",
    "frameworkcontroller",
    "postgresql",
    "hivedscheduler",
    "database-controller",
    "log-manager",
    "pylon",
    "rest-server",
    "openpai-runtime",
    "webportal",
]
MASTER = (Nodes.MASTER, Nodes.ALL)


def config(branch: str = "pai-1.8.y", tag: str = "v1.8.0", **keys: Any) -> Config:
    return Config(user="paiadmin", branch_name=branch, docker_image_tag=tag, **keys)


def names(services: list[Any]) -> list[str]:
    return [service.name for service in services]


@pytest.mark.parametrize("release", RELEASES)
def test_every_prerequisite_stands_before_what_needs_it(release: str) -> None:
    started: set[str] = set()
    for service in catalogue(versions.parse(release) or versions.DEFAULT):
        assert set(service.requires) <= started, service.name
        started.add(service.name)


@pytest.mark.parametrize("release", RELEASES)
def test_a_version_has_each_workload_and_object_once(release: str) -> None:
    services = catalogue(versions.parse(release) or versions.DEFAULT)
    workloads = [(workload.kind, workload.namespace, workload.name) for one in services for workload in one.workloads]
    objects = [(thing.kind, thing.namespace, thing.name) for one in services for thing in one.objects]
    assert len(workloads) == len(set(workloads)) and len(objects) == len(set(objects))
    assert len(names(services)) == len(set(names(services)))


@pytest.mark.parametrize(
    ("release", "more", "fewer"),
    [
        ("v1.0.0", set(), {"database-controller", "alert-manager", "docker-cache", "marketplace-db"}),
        ("v1.2.0", {"database-controller"}, {"alert-manager", "docker-cache"}),
        ("v1.5.0", {"alert-manager", "marketplace-restserver"}, {"docker-cache"}),
        ("v1.8.1", {"docker-cache", "marketplace-webportal"}, set()),
    ],
)
def test_services_come_with_the_version_that_brought_them(release: str, more: set[str], fewer: set[str]) -> None:
    found = set(names(catalogue(versions.parse(release) or versions.DEFAULT)))
    assert more <= found and not fewer & found


def test_the_essential_services_are_those_that_a_job_ran_with() -> None:
    assert names(chosen(config(openpai_services="essential"))) == LEAST_1_8
    least_1_0 = [name for name in LEAST_1_8 if name != "database-controller"]
    assert names(chosen(config("pai-1.0.y", "v1.0.0", openpai_services="essential"))) == least_1_0


def test_all_leaves_out_what_the_config_leaves_off() -> None:
    found = names(chosen(config()))
    assert not {"docker-cache", "marketplace-db", "storage-manager"} & set(found) and "grafana" in found
    on = names(chosen(config(enable_docker_cache=True, enable_marketplace=True)))
    assert {"docker-cache", "marketplace-db", "marketplace-restserver", "marketplace-webportal"} <= set(on)
    assert "hivedscheduler" not in names(chosen(config(enable_hived_scheduler=False)))
    old = config("pai-1.0.y", "v1.0.0", enable_hived_scheduler=False)
    assert "hivedscheduler" in names(chosen(old))  # its installer does not read the key


def test_without_hived_jobs_still_get_the_device_they_ask_for() -> None:
    found = chosen(config(openpai_services="essential", enable_hived_scheduler=False))
    assert names(found) == [name for name in LEAST_1_8 if name != "hivedscheduler"]
    assert not any("hivedscheduler" in service.requires for service in found)


def test_named_services_bring_what_they_need() -> None:
    assert names(chosen(config(openpai_services=["grafana"]))) == ["cluster-configuration", "prometheus", "grafana"]
    assert names(chosen(config(openpai_services=["no-such-service"]))) == []


def test_storage_manager_runs_where_the_layout_has_a_machine_for_it() -> None:
    layout, _ = parse_layout(
        "machine-sku: {a: {mem: 1Gi, cpu: {vcore: 1}}}\n"
        "machine-list: [{hostname: m, hostip: 10.0.0.1, machine-type: a, pai-storage: 'true'}]\n",
        "layout.yaml",
        [],
    )
    assert layout and "storage-manager" in names(available(config(), layout))
    assert 2049 in ports(config(), layout, [Nodes.STORAGE])


def test_images_follow_registry_and_tag_but_for_those_of_fixed_names() -> None:
    found = images(config(openpai_services="essential"))
    assert "openpai/rest-server:v1.8.0" in found and "openpai/openpai-runtime:v1.8.0" in found
    assert "frameworkcontroller/frameworkcontroller:v0.9.0" in found and "hivedscheduler/hivedscheduler:v0.3.4" in found
    own = config(docker_registry_domain="reg.example:5000", docker_registry_namespace="pai")
    assert "reg.example:5000/pai/rest-server:v1.8.0" in images(own)
    assert "frameworkcontroller/frameworkcontroller:v0.9.0" in images(own)
    assert len(images(own)) == len(set(images(own)))


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("pai-1.0.y", {"frameworkcontroller/frameworkcontroller:v0.6.0", "openpai/log-manager-logrotate:v1"}),
        ("pai-1.2.y", {"frameworkcontroller/frameworkcontroller:v0.8.0", "hivedscheduler/hivedscheduler:v0.3.4"}),
        ("pai-1.7.y", {"openpai/alert-handler:v1", "openpai/cert-expiration-checker:v1"}),
        ("master", {"frameworkcontroller/frameworkcontroller:v1.0.0"}),
    ],
)
def test_images_are_those_of_the_version(branch: str, expected: set[str]) -> None:
    assert expected <= set(images(config(branch, "v1")))


def test_images_of_fixed_names_can_come_from_elsewhere() -> None:
    keys = config(
        openpai_image_replacements={"prom/": "reg/prom/", "prom/alert": "deeper/alert", "busybox:": "reg/busybox:"},
        openpai_fuse_plugin_image="reg/fuse:1",
    )
    assert {"deeper/alertmanager:v0.15.1", "reg/busybox:1.31.1", "reg/fuse:1"} <= set(images(keys))
    assert "everpeace/k8s-host-device-plugin:latest" not in images(keys)
    assert replaced_images(keys) == {
        "prom/alertmanager:v0.15.1": "deeper/alertmanager:v0.15.1",
        "busybox:1.31.1": "reg/busybox:1.31.1",
    }
    assert replaced_images(config()) == {}


def test_images_by_machine() -> None:
    on_workers = images(config(), nodes=[Nodes.WORKERS, Nodes.ALL])
    assert "openpai/openpai-runtime:v1.8.0" in on_workers and "openpai/log-manager-nginx:v1.8.0" in on_workers
    assert "openpai/rest-server:v1.8.0" not in on_workers
    assert "openpai/openpai-runtime:v1.8.0" not in images(config(), nodes=MASTER)


def test_paictl_runs_in_an_image_beside_the_others_or_one_of_its_own() -> None:
    assert paictl_image(config(docker_registry_domain="reg")) == "reg/openpai/dev-box:v1.8.0"
    assert paictl_image(config(paictl_image="other/dev-box:1")) == "other/dev-box:1"


def test_ports_of_the_master_and_of_workers() -> None:
    old, new = config("pai-1.0.y", "v1.0.0", openpai_services="essential"), config(openpai_services="essential")
    assert list(ports(new, nodes=MASTER)) == [80, 5432, 9103, 9186, 9286, 9748, 30096]
    assert ports(old, nodes=MASTER)[443] == "pylon" and 9748 not in ports(old)
    assert ports(config(), nodes=[Nodes.ALL, Nodes.WORKERS]) == {
        9100: "node-exporter",
        9102: "job-exporter",
        9103: "log-manager",
        30096: "hivedscheduler",
    }


def test_requests_count_only_with_the_qos_switch() -> None:
    assert requested(config(), nodes=MASTER) == (0, 0)
    # rest-server 4096, pylon 1024, webportal 512, log-manager twice 128
    assert requested(config(openpai_services="essential", qos_switch=True), nodes=MASTER) == (0, 5888)
    cpu, memory = requested(config(qos_switch=True), nodes=MASTER)
    assert (cpu, memory) == (1000, 5888 + 256 + 256 + 128 + 512 + 1024 + 1000)
    assert requested(config("pai-1.1.y", "v1.1.1", qos_switch=True)) == (0, 0)


def test_hived_has_a_scheduler_for_each_virtual_cluster() -> None:
    hived = next(one for one in chosen(config(), None, ("default", "vc1")) if one.name == "hivedscheduler")
    assert [workload.name for workload in hived.workloads] == [
        "hivedscheduler-hs",
        "hivedscheduler-ds-default",
        "hivedscheduler-ds-vc1",
    ]


def test_cluster_configuration_labels_by_version() -> None:
    def labels(branch: str) -> set[tuple[str, str, Nodes]]:
        return {(label.name, label.value, label.nodes) for label in chosen(config(branch, "v1"))[0].labels}

    # From v1.5.0 on upstream gives it to the master and takes it away, in either order.
    assert ("pai-worker", "false", Nodes.MASTER) not in labels("pai-1.8.y")
    assert ("pai-worker", "true", Nodes.WORKERS) in labels("pai-1.0.y")


def test_the_commit_follows_the_branch_the_tag_or_the_key() -> None:
    assert commit(config()) == "e842499375da5d1a8721c95450914d028de8b3b3"
    assert commit(config("my-branch")) is None
    assert commit(config("my-branch", openpai_commit="0" * 40)) == "0" * 40
    assert reference(Config(user="a")) == "pai-1.0.y"
    assert reference(Config(user="a", docker_image_tag="v1.8.0")) == "v1.8.0"
    assert reference(Config(user="a", docker_image_tag="v1.8.1")) == reference(config("v1.8.1")) == "pai-1.8.y"
    assert all(len(sum) == 40 for sum in COMMITS.values())
