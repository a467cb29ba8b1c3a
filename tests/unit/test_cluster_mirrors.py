"""`mirrors`: one key for all sources, each of which a key of its own overrides."""

from pathlib import Path

import pytest

from cluster import load
from cluster.config import CHINA, Config, is_secret
from cluster.kubernetes import binary_url
from cluster.openpai import kubespray_files
from tests.unit.cluster_folder import CONFIG, C, lines_of, write


def config(tmp_path: Path, text: str) -> Config:
    return load(write(tmp_path, {C: CONFIG + text})).config


def test_without_the_key_the_sources_are_their_vendors(tmp_path: Path) -> None:
    found = config(tmp_path, "")
    assert {name: getattr(found, name) for name in CHINA} == {name: Config.model_fields[name].default for name in CHINA}


def test_each_source_is_the_mirrors(tmp_path: Path) -> None:
    found = config(tmp_path, "mirrors: china\n")
    assert found.docker_apt_mirror == "aliyun"
    assert binary_url(found, "kubelet", "amd64") == (
        f"https://files.m.daocloud.io/dl.k8s.io/release/{found.kubernetes_version}/bin/linux/amd64/kubelet"
    )
    vendors = Config.model_fields["nvidia_device_plugin_image"].default
    assert found.nvidia_device_plugin_image == f"m.daocloud.io/{vendors}"
    assert found.openpai_docker_registry_mirrors == ["https://docker.m.daocloud.io"]
    assert lines_of(tmp_path) == []
    assert not set(CHINA) & found.model_fields_set, "a default does nothing where a key would be warned of"


@pytest.mark.parametrize("order", ["mirrors: china\n{}", "{}mirrors: china\n"])
def test_a_key_of_its_own_wins(tmp_path: Path, order: str) -> None:
    own = "kubernetes_mirror: https://mirror.lan/k8s\nopenpai_docker_registry_mirrors: []\n"
    found = config(tmp_path, order.format(own))
    assert found.kubernetes_mirror == "https://mirror.lan/k8s" and found.openpai_docker_registry_mirrors == []
    assert found.kube_image_repo == CHINA["kube_image_repo"]


def test_one_config_does_not_change_the_next(tmp_path: Path) -> None:
    config(tmp_path, "mirrors: china\n").openpai_docker_registry_mirrors.append("https://second.lan")
    assert config(tmp_path, "mirrors: china\n").openpai_docker_registry_mirrors == ["https://docker.m.daocloud.io"]


def test_every_value_is_one_that_its_key_takes(tmp_path: Path) -> None:
    found = config(tmp_path, "mirrors: china\n")
    given = {(Config.model_fields[name].alias or name): getattr(found, name) for name in CHINA}
    assert Config.model_validate({"user": "a", "docker_image_tag": "v1.0.0", **given})
    assert not [name for name in CHINA if is_secret(name)]


def test_what_kubespray_downloads_is_said_to_be_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path, {C: CONFIG + "mirrors: china\ninstaller: kubespray\n"})
    assert any("warning: mirrors china does not reach what kubespray downloads" in one for one in lines_of(folder))
    assert "daocloud" not in kubespray_files(load(folder)).files["openpai.yml"]


def test_another_word_is_refused(tmp_path: Path) -> None:
    assert any(
        "mirrors: expected 'official' or 'china', found 'cn'" in one
        for one in lines_of(write(tmp_path, {C: CONFIG + "mirrors: cn\n"}))
    )
