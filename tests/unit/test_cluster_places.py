"""Dead places that the guide names, and what looks like them and is alive."""

from pathlib import Path

import pytest

from cluster import load
from tests.unit.cluster_folder import CONFIG, C, lines_of, write

GUIDE = Path(__file__).parents[1] / "data/golden/inputs-1.0/config"
BLOB = "https://shaiictestblob01.blob.core.chinacloudapi.cn/share-all/kubeadm"
BUCKET = "https://storage.googleapis.com/kubernetes-release/release/{{ kubeadm_version }}/bin/linux/amd64/kubeadm"
DEAD = [
    f"kubeadm_download_url: {BLOB}",
    f'kubeadm_download_url: "{BUCKET}"',
    "docker_apt_mirror: azurechina",
    "docker_apt_mirror: https://mirror.azure.cn/docker-ce",
    "gcr_image_repo: gcr.io",
    "kube_image_repo: gcr.io/google-containers",
    "kube_image_repo: k8s.gcr.io",
    "kube_image_repo: gcr.azk8s.cn/google-containers",
    'pod_infra_image_repo: "gcr.io/google_containers/pause-{{ image_arch }}"',
    "openpai_docker_registry_mirrors: [https://registry.docker-cn.com]",
    "openpai_docker_registry_mirrors: [https://a.lan, https://dockerhub.azk8s.cn]",
    "cuda_image: nvidia/cuda:10.0-base",
    "http_proxy: http://proxy.example.com:3128",
    "ntp_servers: [ntp.example.org]",
    "docker_registry_domain: registry.example.com/team",
    "http_proxy: http://203.0.113.9:3128",
]
ALIVE = [
    "kubeadm_download_url: https://mirror.lan/storage.googleapis.com/kubernetes-release/kubeadm",
    "docker_apt_mirror: aliyun",
    "gcr_image_repo: m.lan/gcr.io",
    "kube_image_repo: gcr.io.lan/google-containers",
    "paictl_image: gcr.io/our-own-project/dev-box:v1",
    "openpai_docker_registry_mirrors: [https://mirror.gcr.io]",
    "cuda_image: nvidia/cuda:12.4.1-base-ubuntu22.04",
    "http_proxy: http://our-example.com:3128",
    "ntp_servers: [example.company]",
]


@pytest.mark.parametrize("line", DEAD)
def test_a_dead_place_is_said_on_its_line_and_keeps_nobody_from_the_folder(line: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {C: f"{CONFIG}{line}\n"})
    (said,) = [each for each in lines_of(folder) if " names " in each]
    assert said.startswith(f"{C}:{CONFIG.count(chr(10)) + 1}: warning: {line.partition(':')[0]} names ")
    assert load(folder)


@pytest.mark.parametrize("line", ALIVE)
def test_what_is_alive_is_left_alone(line: str, tmp_path: Path) -> None:
    assert not [each for each in lines_of(write(tmp_path, {C: f"{CONFIG}{line}\n"})) if " names " in each]


def test_every_place_of_the_guides_example_is_known(tmp_path: Path) -> None:
    """Its optional lines, taken as they stand."""
    for line in GUIDE.read_text().splitlines():
        key, _, value = line.lstrip("# ").partition(": ")
        if key.endswith(("_image_repo", "_download_url")) and "docker" not in key and "quay" not in key:
            assert "names" in "".join(lines_of(write(tmp_path, {C: f"{CONFIG}installer: kubespray\n{key}: {value}\n"})))
