"""Which images are asked for, where, and what is said of those that cannot be had."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cluster import Cluster, Config, Host, Role
from cluster.secrets import registry_login
from tasks.preflight import images
from tasks.preflight.facts import REFUSED, program
from tasks.preflight.model import Survey
from tasks.preflight.requirements.images import deployed, registries, verified
from tasks.preflight.snapshot import Reply
from tasks.preflight.targets import registry_of
from tasks.preflight.verdict import judge
from tests.unit.preflight_survey import DEV_BOX, MASTER, OTHER, WORKER, changed, rows, surveyed, unreached

HOSTS = {
    "dev": Host("dev-box", "@local", Role.DEV_BOX),
    "master": Host("m", "10.0.0.1", Role.MASTER),
    "worker": Host("w", "10.0.0.2", Role.WORKER),
    "second": Host("x", "10.0.0.3", Role.WORKER),
}
LOGIN = "Basic " + base64.b64encode(b"me:hunter2").decode()


def cluster(**keys: object) -> Cluster:
    config = Config.model_validate({"user": "u", "docker_image_tag": "v1.8.0", **keys})
    return Cluster(Path("/c"), HOSTS["dev"], (HOSTS["master"],), (HOSTS["worker"], HOSTS["second"]), config)


def names(host: str, **keys: object) -> list[str]:
    return [one.name for one in images.asked(cluster(**keys), HOSTS[host])]


def test_openpais_images_are_asked_for_where_they_are_pulled() -> None:
    keys = {"openpai_services": "essential", "installer": "none", "cuda_image": "cuda:12"}
    assert names("dev", **keys) == ["openpai/dev-box:v1.8.0", "hello-world"]
    on_master, on_worker = names("master", **keys), names("worker", **keys)
    assert "openpai/rest-server:v1.8.0" in on_master and "openpai/openpai-runtime:v1.8.0" not in on_master
    assert set(on_worker) == {
        "everpeace/k8s-host-device-plugin:latest",
        "openpai/log-manager-cleaner:v1.8.0",
        "openpai/log-manager-nginx:v1.8.0",
        "openpai/openpai-runtime:v1.8.0",
        "hello-world",
        "cuda:12",
    }
    assert names("dev", paictl="python2", installer="none") == ["hello-world"]


KUBEADM = {  # kubeadm config images list, of both series
    "v1.20.15": ["etcd:3.4.13-0", "coredns:1.7.0", "pause:3.2"],
    "v1.21.14": ["etcd:3.4.13-0", "coredns/coredns:v1.8.0", "pause:3.4.1"],
}


@pytest.mark.parametrize("version", KUBEADM)
def test_kubernetes_images_are_those_that_kubeadm_lists(version: str) -> None:
    components = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    listed = {f"registry.k8s.io/{name}:{version}" for name in components}
    listed |= {f"registry.k8s.io/{name}" for name in KUBEADM[version]}
    calico = {f"docker.io/calico/{name}:v3.20.3" for name in ("cni", "node", "kube-controllers", "pod2daemon-flexvol")}
    keys = {"openpai": False, "kubernetes_version": version}
    assert set(names("master", **keys)) == listed | calico | {"hello-world"}
    device_plugin = "nvcr.io/nvidia/k8s-device-plugin:v0.14.5"
    assert set(names("worker", **keys)) == calico | {
        *(name for name in listed if any(part in name for part in ("kube-proxy", "pause", "coredns"))),
        device_plugin,
        "hello-world",
        Config.model_fields["cuda_image"].default,
    }


def test_images_follow_the_configs_repositories() -> None:
    keys = {"kube_image_repo": "reg:5000/k8s", "docker_image_repo": "reg:5000/hub", "openpai": False}
    assert {"reg:5000/k8s/coredns:1.7.0", "reg:5000/hub/calico/node:v3.20.3"} <= set(names("master", **keys))
    assert not [name for name in names("master", **keys, openpai_kube_network_plugin="host-gw") if "calico" in name]
    assert not [name for name in names("master", **keys, calico_manifest_sha256="0" * 64) if "calico" in name]
    assert {"amd/plugin", "cuda"}.isdisjoint(names("worker", **keys, gpu_type="amd"))


def test_another_host_of_a_role_asks_for_one_image_of_each_registry_that_the_deploy_needs() -> None:
    found = names("second", openpai_services="essential", cuda_image="elsewhere.example.com/cuda:12")
    assert [registry_of(name) for name in found] == ["registry.k8s.io", "docker.io", "nvcr.io"]


@pytest.mark.parametrize(
    ("image", "urls"),
    [
        ("busybox:1.31.1", ["https://registry-1.docker.io/v2/library/busybox/manifests/1.31.1"]),
        ("a/b", ["https://registry-1.docker.io/v2/a/b/manifests/latest"]),
        ("reg:5000/a/b:c", ["https://reg:5000/v2/a/b/manifests/c"]),
        ("reg.example.com/b@sha256:0", ["https://reg.example.com/v2/b/manifests/sha256:0"]),
        ("10.0.0.9:5000/b:c", ["http://10.0.0.9:5000/v2/b/manifests/c"]),
    ],
)
def test_where_a_manifest_is_asked_for(image: str, urls: list[str]) -> None:
    made = cluster(openpai_docker_insecure_registries=["10.0.0.9:5000"])
    assert [target.url for target in images.manifests(image, made)] == urls


def test_a_registry_on_a_host_of_the_cluster_is_asked_past_the_proxy_as_docker_asks() -> None:
    made = cluster(http_proxy="http://p:1", https_proxy="http://p:1")
    assert [target.proxy for target in images.manifests("10.0.0.1:5000/a:1", made)] == [None]
    assert [target.proxy for target in images.manifests("reg.example.com/a:1", made)] == ["http://p:1"]


def test_mirrors_are_asked_before_docker_hub_and_the_login_goes_to_its_own_registry_alone() -> None:
    keys = {"docker_registry_domain": "reg", "docker_registry_username": "me", "docker_registry_password": "hunter2"}
    made = cluster(openpai_docker_registry_mirrors=["http://mirror:5000/"], **keys)
    assert [(one.client, one.url) for one in images.manifests("prom/a:b", made)] == [
        ("image", "http://mirror:5000/v2/prom/a/manifests/b"),
        ("image", "https://registry-1.docker.io/v2/prom/a/manifests/b"),
    ]
    assert [one.client for one in images.manifests("reg.example.com/a:b", made)] == ["image"]


@pytest.mark.parametrize(
    ("mirror", "hub", "said"),
    [
        (200, 404, None),
        (404, 200, None),
        (404, 404, "is not there (HTTP status 404)"),
        (404, 0, "is not there (HTTP status 404)"),  # a cluster without a way out
        (404, 429, None),  # too busy to say
        (0, 0, None),  # `registries` says that
        (401, 401, "needs a login, or is not there (HTTP status 401)"),
    ],
)
def test_an_image_is_missing_where_nobody_has_it(mirror: int, hub: int, said: str | None) -> None:
    keys = {"openpai": True, "docker_image_tag": "v1.8.0", "openpai_services": "essential"}
    survey = surveyed("bookworm", **keys, openpai_fuse_plugin_image="e/fuse:1")
    survey = answering(survey, "e/fuse:1", Reply(mirror, ""), Reply(hub, ""))
    found = rows(survey, deployed.id)
    assert {row.host for row in found} == ({MASTER, WORKER} if said else set())
    for row in found:
        assert row.found == f"e/fuse:1 {said}" and "openpai_fuse_plugin_image" in row.fix


def answering(survey: Survey, image: str, *replies: Reply) -> Survey:
    """The survey in which every host that asks for the image has these replies."""
    ids = [target.id for target in images.manifests(image, survey.cluster)]
    for name in (DEV_BOX, MASTER, WORKER, OTHER):
        seen = survey.snapshots[name].replies
        new = {id: reply for id, reply in zip(ids, replies, strict=True) if id in seen}
        survey = changed(survey, name, replies=seen | new)
    return survey


def test_a_login_that_the_registry_refuses_is_one_row_a_role_and_names_its_keys() -> None:
    keys = {"openpai": True, "docker_image_tag": "v1.8.0", "docker_registry_username": "me"}
    survey = surveyed("bookworm", **keys, docker_registry_password="hunter2")
    for one in images.pulled(survey.config, Role.WORKER):
        if one.name.startswith("10.77.3.1:5000/"):
            survey = answering(survey, one.name, Reply(401, REFUSED))
    (row,) = [row for row in rows(survey, deployed.id) if row.host == WORKER]
    assert "10.77.3.1:5000 refuses the login of me, asked for 10.77.3.1:5000/" in row.found and "more" in row.found
    assert row.fix == "correct docker_registry_username and docker_registry_password"
    assert "hunter2" not in str(row)


def test_a_registry_that_is_silent_is_one_row_and_not_one_for_each_image() -> None:
    survey = surveyed("bookworm", cuda_image="10.77.3.9:5000/cuda:12")
    for name in (WORKER, OTHER):
        survey = changed(survey, name, **unreached(survey, "http://10.77.3.1:5000/v2/google", name))
    for name in (MASTER, WORKER, OTHER):
        survey = changed(survey, name, **unreached(survey, "https://nvcr.io", name))
    assert [(row.host, row.found.split("/v2/")[0]) for row in rows(survey, registries.id)] == [
        (WORKER, "https://nvcr.io"),
        (OTHER, "https://nvcr.io"),
    ]
    assert rows(survey, deployed.id) == []


def test_what_the_verification_alone_pulls_stops_nobody() -> None:
    survey = surveyed("bookworm", cuda_image="elsewhere.example.com/cuda:12")
    survey = answering(survey, "elsewhere.example.com/cuda:12", Reply(0, "Could not connect"))
    assert [row.requirement for row in judge(survey).unmet if "elsewhere" in row.found] == [verified.id]
    assert not judge(survey).failures


def test_the_login_reaches_the_host_by_standard_input() -> None:
    login = registry_login(cluster(docker_registry_username="me", docker_registry_password="hunter2").config)
    assert f"LOGIN='{LOGIN}'" in program([], [], ["/var"], 0, None, login).getvalue().decode()
