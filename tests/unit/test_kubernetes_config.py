"""Kubernetes' part of the config: what can work, where things come from, kubeadm's files."""

import subprocess

import pytest
import yaml

import cluster
from cluster.checks import check_kubernetes
from cluster.files import parse_config
from cluster.kubernetes import (
    OFFICIAL_SHA256,
    api_servers,
    binary_sha256,
    binary_url,
    ca_hash,
    docker_api_fits,
    etcd_repository,
    init_config,
    join_config,
    kubelet_flags,
)
from tests.unit.cluster_folder import CONFIG, lines_of, write

RESOLVER = "/run/systemd/resolve/resolv.conf"

ENDPOINT = "kubernetes-api.openpai.internal:6443"


def folder(tmp_path, keys="", **files):
    return write(tmp_path / "test", {"config.yaml": CONFIG + keys, **files})


def loaded(tmp_path, keys=""):
    return cluster.load(folder(tmp_path, keys))


def init_documents(tmp_path, keys=""):
    return {one["kind"]: one for one in yaml.safe_load_all(init_config(loaded(tmp_path, keys), ENDPOINT))}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("kubernetes_version: v1.22.0\nopenpai: false\n", "kubernetes_version v1.22.0: not a version"),
        ("kubernetes_version: latest\n", "kubernetes_version latest: not a version"),
        ("kube_pods_subnet: 10.200.0.0/26\n", "kube_network_node_prefix 25 is larger"),
        ("kube_pods_subnet: 10.200.0.0/23\n", "kube_pods_subnet 10.200.0.0/23 has room for 4 nodes"),
        ("kubernetes_sha256: {kubecfg: " + "f" * 64 + "}\n", "kubernetes_sha256: no binary is called kubecfg"),
        ("installer: kubespray\nkubespray_commit: master\n", "kubespray_commit master is not a commit"),
    ],
)
def test_what_cannot_work_is_said_with_the_keys_name(tmp_path, keys, said):
    found = lines_of(folder(tmp_path, keys))
    assert any(said in line for line in found), found


def test_the_defaults_and_a_cluster_without_kubernetes_have_no_problem(tmp_path):
    for keys in ("", "installer: none\nkubernetes_version: latest\n"):
        file = parse_config(CONFIG + keys, [])
        assert list(check_kubernetes(file, loaded(tmp_path, keys))) == []


@pytest.mark.parametrize(
    ("version", "lowest", "highest", "fits"),
    [
        ("v1.20.15", "1.12", "1.40", True),
        ("v1.21.14", "1.12", "1.40", False),
        ("v1.21.14", "1.24", "1.47", True),
        ("v1.21.14", "1.44", "1.51", False),
        ("v1.21.14", "1.12", "1.39", False),
    ],
)
def test_docker_must_serve_the_version_that_the_kubelet_speaks(version, lowest, highest, fits):
    assert docker_api_fits(version, lowest, highest) is fits


def test_binaries_come_from_the_mirror_or_from_their_own_url(tmp_path):
    config = loaded(
        tmp_path,
        "kubernetes_mirror: https://mirror.example.com/k8s/\n"
        'kubeadm_download_url: "https://other.example.com/{{ kubeadm_version }}/{{image_arch}}/kubeadm"\n',
    ).config
    assert binary_url(config, "kubelet", "arm64") == "https://mirror.example.com/k8s/v1.20.15/bin/linux/arm64/kubelet"
    assert binary_url(config, "kubeadm", "amd64") == "https://other.example.com/v1.20.15/amd64/kubeadm"


def test_sums_are_the_configs_else_the_official_ones_else_unknown(tmp_path):
    own = loaded(tmp_path, f"kubernetes_sha256: {{kubelet: {'f' * 64}}}\n").config
    assert binary_sha256(own, "kubelet", "amd64") == "f" * 64
    assert binary_sha256(own, "kubeadm", "amd64") == OFFICIAL_SHA256["v1.20.15", "amd64"]["kubeadm"]
    assert binary_sha256(loaded(tmp_path, "kubernetes_version: v1.20.2\n").config, "kubelet", "amd64") is None


@pytest.mark.parametrize(
    ("keys", "repository", "dns"),
    [
        ("", "registry.k8s.io", "registry.k8s.io"),
        ("kubernetes_version: v1.21.14\nopenpai: false\n", "registry.k8s.io", "registry.k8s.io/coredns"),
        ("kube_image_repo: mirror.example.com/k8s\n", "mirror.example.com/k8s", "mirror.example.com/k8s"),
        ("gcr_image_repo: g.example.com\n", "g.example.com/google-containers", "g.example.com/google-containers"),
    ],
)
def test_images_come_from_the_guides_keys(tmp_path, keys, repository, dns):
    document = init_documents(tmp_path, keys)["ClusterConfiguration"]
    assert (document["imageRepository"], document["dns"]["imageRepository"]) == (repository, dns)
    assert document["etcd"]["local"]["imageRepository"] == repository


def test_etcd_and_pause_have_repositories_of_their_own(tmp_path):
    keys = (
        'etcd_image_repo: quay.example.com/coreos/etcd\npod_infra_image_repo: "g.example.com/pause-{{ image_arch }}"\n'
    )
    described = loaded(tmp_path, keys)
    assert etcd_repository(described.config) == "quay.example.com/coreos"
    flags = kubelet_flags(described.config, described.workers[0], "arm64", RESOLVER)
    assert flags["pod-infra-container-image"] == "g.example.com/pause-arm64:3.2"


def test_the_master_is_registered_by_its_name_in_the_csv_and_keeps_its_pods(tmp_path):
    documents = init_documents(tmp_path)
    init = documents["InitConfiguration"]
    assert init["nodeRegistration"]["name"] == "openpai-master-01"
    assert init["nodeRegistration"]["taints"] == []
    assert init["localAPIEndpoint"] == {"advertiseAddress": "10.1.0.1", "bindPort": 6443}
    assert documents["ClusterConfiguration"]["networking"]["podSubnet"] == "10.200.0.0/13"
    assert documents["ClusterConfiguration"]["controllerManager"]["extraArgs"]["node-cidr-mask-size"] == "25"
    assert documents["KubeletConfiguration"]["cgroupDriver"] == "systemd"


def test_the_api_server_is_known_by_name_and_its_certificate_is_good_for_the_address_too(tmp_path):
    document = init_documents(tmp_path, "kube_api_name: k8s.example.com\n")["ClusterConfiguration"]
    assert document["controlPlaneEndpoint"] == ENDPOINT
    assert document["apiServer"]["certSANs"] == ["k8s.example.com", "10.1.0.1"]
    assert api_servers(loaded(tmp_path)) == [ENDPOINT, "10.1.0.1:6443"]


def test_the_config_of_the_master_holds_no_token(tmp_path):
    (token,) = init_documents(tmp_path)["InitConfiguration"]["bootstrapTokens"]
    assert token == {"ttl": "1m0s"}


def test_a_worker_joins_by_token_and_the_hash_of_the_ca(tmp_path):
    described = loaded(tmp_path)
    document = yaml.safe_load(join_config(described, described.workers[2], "abcdef.0123456789abcdef", "f" * 64))
    found = document["discovery"]["bootstrapToken"]
    assert found["token"] == "abcdef.0123456789abcdef"
    assert found["caCertHashes"] == ["sha256:" + "f" * 64]
    assert found["apiServerEndpoint"] == "10.1.0.1:6443"
    assert document["nodeRegistration"]["name"] == "openpai-003"


def test_the_hash_of_the_ca_is_the_one_that_openssl_computes(tmp_path):
    certificate, der = tmp_path / "ca.crt", tmp_path / "key.der"
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kubernetes", "-days", "2"]
    subprocess.run([*openssl, "-keyout", tmp_path / "ca.key", "-out", certificate], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "x509", "-pubkey", "-noout", "-in", certificate], check=True, capture_output=True
    ).stdout
    subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der", "-out", der], input=public, check=True)
    expected = subprocess.run(["sha256sum", der], check=True, capture_output=True, text=True).stdout.split()[0]
    assert ca_hash(certificate.read_text()) == expected
    with pytest.raises(ValueError):
        ca_hash("not a certificate")


def test_custom_kubelet_flags_replace_openpais_but_not_ours(tmp_path):
    plain = loaded(tmp_path)
    flags = kubelet_flags(plain.config, plain.workers[0], "amd64", RESOLVER)
    assert flags["image-pull-progress-deadline"] == "10m"
    assert (flags["hostname-override"], flags["node-ip"]) == ("openpai-001", "10.0.0.1")
    assert flags["resolv-conf"] == RESOLVER
    custom = loaded(
        tmp_path, "kubelet_custom_flags: {serialize-image-pulls: false, hostname-override: x, resolv-conf: /r}\n"
    )
    flags = kubelet_flags(custom.config, custom.workers[0], "amd64", RESOLVER)
    assert "image-pull-progress-deadline" not in flags
    assert (flags["serialize-image-pulls"], flags["hostname-override"]) == ("false", "openpai-001")
    assert flags["resolv-conf"] == "/r"
