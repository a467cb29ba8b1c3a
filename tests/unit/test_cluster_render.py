"""Rendering: values that upstream's way breaks, what versions differ in, and what is said of what is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster import Cluster, Config, load, secrets, versions
from cluster.loader import inspect
from cluster.openpai import (
    hosts_yml,
    kubespray_files,
    left_as_published,
    openpai_files,
    openpai_yml,
    parse_resources,
    published_defaults,
)
from tests.unit.cluster_folder import C, W, assert_lines, write
from tests.unit.rendered import BASE, NODES, cluster, services


def variables(**keys: Any) -> dict[str, Any]:
    """openpai.yml for a config."""
    return yaml.safe_load(openpai_yml(Config.model_validate(BASE | keys), []))


EXTRA = {
    "a": True,
    "b": {"c": [1, None, 2.5]},
    "d": 'quote " and \\ and {{ var }}',
    "kube_log_level": 4,
    "e": "yes",
    "f": "1",
}


def test_extra_variables_keep_their_type_and_win() -> None:
    found = variables(openpai_kubespray_extra_var=EXTRA)
    assert {name: found[name] for name in EXTRA} == EXTRA
    text = openpai_yml(Config.model_validate(BASE | {"openpai_kubespray_extra_var": EXTRA}), [])
    assert text.count("kube_log_level") == 1


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, max_size=4))
def test_any_extra_variable_comes_out_as_it_went_in(extra: dict[str, Any]) -> None:
    found = variables(openpai_kubespray_extra_var=extra)
    assert {name: found[name] for name in extra} == extra


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=PASSWORDS, password=PASSWORDS)
def test_any_registry_login_comes_out_as_it_went_in(user: str, password: str, tmp_path: Path) -> None:
    name = f"x{user}"
    found = load(write(tmp_path, {}))
    config = Config.model_validate(BASE | {"docker_registry_username": name, "docker_registry_password": password})
    registry = services(Cluster(found.folder, found.dev_box, found.masters, found.workers, config))[0]["cluster"]
    assert (registry["docker-registry"]["username"], registry["docker-registry"]["password"]) == (name, password)


def test_passwords_are_in_no_file_but_the_services(tmp_path: Path) -> None:
    found = cluster(tmp_path, password="Pa55'\"word")
    for text in kubespray_files(found).files.values():
        assert "Pa55" not in text and "StrictHostKeyChecking=no" not in text


def test_hosts_name_the_key_the_port_and_the_pinned_host_keys(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    found = cluster(folder, ssh_port=2222)
    host = yaml.safe_load(hosts_yml(found))["all"]["hosts"]["openpai-001"]
    assert host["ansible_port"] == 2222
    assert host["ansible_ssh_private_key_file"] == f"{folder}/id_ed25519"
    assert host["ansible_ssh_extra_args"].endswith(f"-o 'UserKnownHostsFile=\"{folder}/known_hosts\"'")
    other = yaml.safe_load(hosts_yml(found, key_file="/k", known_hosts="/h"))["all"]["hosts"]["openpai-001"]
    assert other["ansible_ssh_private_key_file"] == "/k"
    assert other["ansible_ssh_extra_args"] == "-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/h"


def test_dockers_own_config_file_is_an_option_of_its_own() -> None:
    options = variables(docker_config_file_path="/etc/docker/daemon.json")["docker_options"]
    assert options.endswith("{%- endif %} --config-file /etc/docker/daemon.json")
    assert variables()["docker_options"].endswith("{%- endif -%}")


def test_keys_of_the_config_that_kubespray_takes() -> None:
    given = {
        "docker_iptables_enabled": False,
        "openpai_docker_insecure_registries": ["mirror.example.com", "172.19.16.11"],
        "openpai_docker_registry_mirrors": ["https://mirror.example.com"],
        "kubeadm_download_url": "https://mirror.example.com/{{ kubeadm_version }}/kubeadm",
        "etcd_image_repo": "quay.io/coreos/etcd",
    }
    found = variables(**given)
    assert found["docker_iptables_enabled"] is False
    assert found["docker_insecure_registries"] == given["openpai_docker_insecure_registries"]
    assert found["docker_registry_mirrors"] == given["openpai_docker_registry_mirrors"]
    assert found["kubeadm_download_url"] == given["kubeadm_download_url"]
    assert found["etcd_image_repo"] == given["etcd_image_repo"]
    assert "docker_iptables_enabled" not in variables() and "gcr_image_repo" not in variables()


def test_keys_that_the_version_does_not_read() -> None:
    keys = {"etcd_image_repo": "e", "openpai_kubespray_extra_var": {"a": 1}}
    assert not {"etcd_image_repo", "a"} & set(variables(branch_name="v1.0.0", **keys))
    assert {"etcd_image_repo", "a"} <= set(variables(branch_name="pai-1.0.y", **keys))


@pytest.mark.parametrize(
    ("branch", "labels", "qps", "dns"),
    [("v1.0.0", False, False, "1000m"), ("v1.2.0", True, True, "1000m"), ("pai-1.4.y", True, True, "0m")],
)
def test_variables_by_version(branch: str, labels: bool, qps: bool, dns: str) -> None:
    found = variables(branch_name=branch)
    assert ("kubelet_node_custom_flags" in found) is labels
    assert ("kube-api-qps" in found["kube_kubeadm_controller_extra_args"]) is qps
    assert found["dns_cpu_requests"] == dns


def test_kubelet_flags_replace_openpais_own_and_that_is_said() -> None:
    warnings: list[Any] = []
    config = Config.model_validate(BASE | {"branch_name": "master", "kubelet_custom_flags": {"v": 4}})
    assert yaml.safe_load(openpai_yml(config, warnings))["kubelet_custom_flags"] == ["--v=4"]
    assert_lines(
        [str(one) for one in warnings], ["openpai.yml: warning: kubelet_custom_flags replaces OpenPAI's own flag"]
    )


@pytest.mark.parametrize(
    ("branch", "tag", "present", "absent"),
    [
        ("v1.0.0", "v1.0.0", {"internal-storage"}, {"log-manager", "docker-cache"}),
        ("pai-1.2.y", "v1.2.0", set(), {"internal-storage", "log-manager"}),
        ("pai-1.4.y", "v1.4.0", {"log-manager"}, {"internal-storage"}),
        ("pai-1.8.y", "v1.8.1", {"log-manager"}, {"internal-storage"}),
    ],
)
def test_services_by_version(branch: str, tag: str, present: set[str], absent: set[str], tmp_path: Path) -> None:
    found, warnings = services(cluster(tmp_path, branch_name=branch, docker_image_tag=tag))
    assert present <= set(found) and not absent & set(found)
    assert ("plugins" in found["webportal"]) is (branch == "v1.0.0")
    assert ("marketplace" in found["cluster"]["common"]) is (branch == "pai-1.8.y")
    assert any("gerhut.github.io" in line for line in warnings) is (branch == "v1.0.0")


def test_qos_switch_where_upstreams_template_is_broken(tmp_path: Path) -> None:
    found = cluster(tmp_path, branch_name="pai-1.3.y", docker_image_tag="v1.3.0", **{"qos-switch": "true"})
    assert services(found)[0]["cluster"]["common"]["qos-switch"] == "true"


def test_docker_cache(tmp_path: Path) -> None:
    keys = {"enable_docker_cache": True, "docker_cache_storage_backend": "azure", "docker_cache_htpasswd": "h"}
    account = {"docker_cache_azure_account_name": "n", "docker_cache_azure_account_key": "k"}
    found = services(cluster(tmp_path, docker_image_tag="v1.8.0", **keys, **account))[0]["docker-cache"]
    assert found == {
        "enabled": True,
        "storage_backend": "azure",
        "azure_account_name": "n",
        "azure_account_key": "k",
        "registry-htpasswd": "h",
    }


def test_what_upstreams_file_does_not_say(tmp_path: Path) -> None:
    found = services(cluster(tmp_path, docker_image_tag="v1.8.0", installer="kubeadm"))[0]
    assert found["alert-manager"] == {"cert-expiration-checker": {"cert-path": "/etc/kubernetes/pki"}}
    assert not {"internal-storage", "marketplace-db", "storage-manager"} & set(found)
    keys = {"openpai_internal_storage_gb": 2, "openpai_cluster_id": "a1", "enable_marketplace": True}
    found = services(cluster(tmp_path, docker_image_tag="v1.8.0", **keys))[0]
    assert found["internal-storage"] == {"quota-gb": 2} and found["cluster"]["common"]["cluster-id"] == "a1"
    assert "alert-manager" not in found and len(found["marketplace-db"]["passwd"]) == 33
    found = services(cluster(tmp_path, docker_image_tag="v1.0.0", openpai_internal_storage_gb=2))[0]
    assert found["internal-storage"] == {"enable": True, "quota-gb": 2}


def test_storage_of_a_layout_gets_a_password_of_its_own(tmp_path: Path) -> None:
    text = """\
machine-sku: {a: {mem: 1Gi, cpu: {vcore: 1}}, g: {mem: 1Gi, cpu: {vcore: 1},
  computing-device: {type: nvidia.com/gpu, model: K80, count: 4}}}
machine-list:
- {hostname: openpai-master-01, hostip: 10.1.0.1, machine-type: a, pai-master: "true", pai-storage: "true"}
- {hostname: openpai-001, hostip: 10.0.0.1, machine-type: g, pai-worker: "true"}
"""
    config = json.dumps(BASE | {"docker_image_tag": "v1.8.0"})
    found = inspect(write(tmp_path, {C: config, W: "openpai-001,10.0.0.1\n", "layout.yaml": text}))
    assert found.cluster
    nodes = parse_resources(json.dumps({"nodes": NODES}), "nodes.json")
    made = openpai_files(found.cluster, nodes, secrets.services(found.cluster), found.layout)
    storage = yaml.safe_load(made.files["services-configuration.yaml"])["storage-manager"]
    assert storage["smbpwd"] == secrets.services(found.cluster).storage_manager_password.get_secret_value()


@pytest.mark.parametrize(("tag", "defaults"), [("v1.0.0", 4), ("v1.8.0", 7)])
def test_nothing_that_runs_is_left_as_published(tag: str, defaults: int, tmp_path: Path) -> None:
    version = versions.parse(tag)
    assert version and len(published_defaults(version)) == defaults
    assert len(left_as_published({}, version)) == defaults
    found = services(cluster(tmp_path, docker_image_tag=tag, enable_marketplace=tag != "v1.0.0"))[0]
    assert [one.service for one in left_as_published(found, version)] == ["storage-manager"]  # which does not run
    found["postgresql"]["passwd"] = "rootpass"
    assert {one.service for one in left_as_published(found, version)} == {"postgresql", "storage-manager"}
