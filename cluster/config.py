"""The schema of config.yaml: the guide's keys under their own names, and ours beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Config(BaseModel):
    """Every key of config.yaml, with its type, default and meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    # Access
    user: str
    password: SecretStr | None = None
    ssh_key_file_path: str | None = None
    ssh_port: int = 22
    dev_box: str = Field("@local", description="@local, or the address of the dev box.")

    # OpenPAI version
    branch_name: str | None = None
    docker_image_tag: str | None = None

    # OpenPAI's image registry
    docker_registry_domain: str = "docker.io"
    docker_registry_namespace: str = "openpai"
    docker_registry_username: str | None = None
    docker_registry_password: SecretStr | None = None
    qos_switch: str = Field("false", alias="qos-switch")

    # Pre-check
    worker_default_docker_runtime: str = "nvidia"
    docker_check: bool = True
    resource_check: bool = True
    gpu_type: str = "nvidia"
    master_min_memory_mb: int = 40000
    worker_min_memory_mb: int = 16000

    # Docker
    docker_data_root: str = "/mnt/docker"
    docker_config_file_path: str = "/etc/docker/daemon.json"
    docker_iptables_enabled: bool | None = None
    openpai_docker_insecure_registries: list[str] = []
    openpai_docker_registry_mirrors: list[str] = []
    docker_apt_mirror: str = Field("official", description="official, aliyun, azurechina, or the URL of a mirror.")
    docker_apt_channel: Literal["stable", "test"] = "stable"
    docker_apt_key_fingerprint: str = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
    docker_version: str | None = Field(None, description="Upstream version or its beginning, as 20.10 or 20.10.24.")
    docker_log_max_size: str = "50m"
    docker_log_max_file: int = 5
    docker_live_restore: bool = True
    allow_disruption: bool = Field(False, description="Restart Docker or reboot although containers run.")

    # Proxy
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: list[str] = []

    # Time
    ntp_servers: list[str] = []
    ntp_hosts: Literal["all", "master"] = "all"

    # GPU workers
    nvidia_driver: Literal["preinstalled", "runfile", "apt"] = "preinstalled"
    nvidia_driver_version: str | None = None
    nvidia_driver_runfile: str | None = Field(None, description="Path on this machine, or URL.")
    nvidia_driver_runfile_sha256: str | None = None
    nvidia_driver_branch: str | None = Field(None, description="For apt: 535, 535-server; empty on Debian.")
    nvidia_driver_dkms: bool = False
    nvidia_toolkit_apt_mirror: str = "https://nvidia.github.io/libnvidia-container/stable/deb"
    nvidia_toolkit_apt_key_fingerprint: str = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"
    nvidia_toolkit_version: str | None = None
    cuda_image: str = "nvidia/cuda:12.4.1-base-ubuntu22.04"
    reboot_batch: int = Field(1, description="Workers with running containers rebooted at a time.")
    reboot_timeout: int = Field(600, description="Seconds to wait for a host to come back.")

    # Kubernetes
    installer: Literal["kubeadm", "kubespray", "none"] = "kubeadm"
    openpai_kube_network_plugin: str = "calico"
    gcr_image_repo: str | None = None
    kube_image_repo: str | None = None
    quay_image_repo: str | None = None
    docker_image_repo: str | None = None
    etcd_image_repo: str | None = None
    pod_infra_image_repo: str | None = None
    kubeadm_download_url: str | None = None
    hyperkube_download_url: str | None = None
    openpai_kubespray_extra_var: dict[str, object] = {}
    kubernetes_version: str = "v1.21.14"
    kubernetes_mirror: str = "https://dl.k8s.io/release"
    kube_pods_subnet: str = "10.200.0.0/13"
    kube_service_addresses: str = "10.192.0.0/13"
