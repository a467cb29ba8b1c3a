"""What hosts are asked to reach, from the config."""

from pathlib import Path

import pytest

from cluster import Cluster, Config, Host, Role
from tasks.preflight import targets

DEV_BOX = Host("dev-box", "@local", Role.DEV_BOX)
MASTER, WORKER = Host("m", "10.0.0.1", Role.MASTER), Host("w", "10.0.0.2", Role.WORKER)


def cluster(**keys):
    return Cluster(Path("/c"), DEV_BOX, (MASTER,), (WORKER,), Config.model_validate({"user": "u", **keys}))


def urls(host, **keys):
    return {target.id: target.url for target in targets.targets(cluster(**keys), host)}


def test_peers_are_all_others_and_the_proxies():
    described = cluster(http_proxy="http://proxy:3128", https_proxy="http://proxy:3128", ssh_port=2222)
    assert targets.peers(described, WORKER) == ["10.0.0.1:2222", "proxy:3128"]
    assert targets.peers(described, DEV_BOX) == ["10.0.0.1:2222", "10.0.0.2:2222", "proxy:3128"]


@pytest.mark.parametrize("url, proxy", [
    ("http://mirror.example.com/x", "http://p:1"),
    ("https://mirror.example.com/x", "http://p:2"),
    ("http://10.1.2.3:5000/v2/", None),
    ("http://registry.corp.example/v2/", None),
    ("http://corp.example/", None),
    ("http://notcorp.example/", "http://p:1"),
])  # fmt: skip
def test_the_proxy_of_a_url(url, proxy):
    keys = {"http_proxy": "http://p:1", "https_proxy": "http://p:2", "no_proxy": ["10.0.0.0/8", ".corp.example"]}
    config = Config.model_validate({"user": "u", **keys})
    assert targets.proxy_for(url, config) == proxy


def test_https_goes_through_the_only_proxy_there_is():
    assert (
        targets.proxy_for("https://x/", Config.model_validate({"user": "u", "http_proxy": "http://p:1"}))
        == "http://p:1"
    )


def test_each_role_is_asked_for_what_it_downloads():
    assert set(urls(DEV_BOX)) == {"docker-source"}
    assert "kubernetes:calico" in urls(MASTER) and "nvidia-source" not in urls(MASTER)
    assert "kubernetes:calico" not in urls(WORKER) and "nvidia-source" in urls(WORKER)
    assert "nvidia-source" not in urls(WORKER, gpu_type="amd")
    assert not [id for id in urls(WORKER, installer="none") if id.startswith("kubernetes:")]


def test_another_source_of_docker_is_asked_for_in_the_officials_place():
    assert urls(WORKER, docker_apt_mirror="aliyun")["docker-source"].startswith(
        "https://mirrors.aliyun.com/docker-ce/linux/@id@/"
    )


def test_kubesprays_registries_and_mirrors_are_asked_as_its_images_are_not_known():
    assert targets.registries(cluster(installer="kubespray").config) == ["gcr.io", "quay.io", "docker.io"]
    asked = urls(
        WORKER,
        installer="kubespray",
        openpai_docker_registry_mirrors=["https://hub.example.com"],
        openpai_docker_insecure_registries=["10.9.9.9:5000"],
        quay_image_repo="10.9.9.9:5000/quay",
        gcr_image_repo="gcr.example.com",
    )
    assert asked["mirror:hub.example.com"] == "https://hub.example.com/v2/"
    assert asked["registry:10.9.9.9:5000"] == "http://10.9.9.9:5000/v2/"
    assert asked["registry:gcr.example.com"] == "https://gcr.example.com/v2/"
    assert "registry:docker.io" in asked
    assert targets.registries(cluster().config) == []


def test_a_registry_on_a_host_of_the_cluster_is_asked_past_the_proxy_as_docker_asks():
    keys = {"http_proxy": "http://p:1", "https_proxy": "http://p:1", "docker_apt_mirror": "https://10.0.0.9/docker"}
    repos = {"quay_image_repo": "10.0.0.1:5000", "kube_image_repo": "reg.example.com"}
    described = cluster(installer="kubespray", **repos, **keys)
    asked = {target.id: target.proxy for target in targets.targets(described, described.masters[0])}
    assert asked["registry:10.0.0.1:5000"] is None
    assert asked["registry:reg.example.com"] == asked["docker-source"] == "http://p:1"
