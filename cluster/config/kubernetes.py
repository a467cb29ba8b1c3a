"""Keys: Kubernetes."""

from __future__ import annotations

from typing import Literal

from cluster.config.base import Group, Repository, Subnet, Switch, Text, Url, Word, key


class Kubernetes(Group):
    """Kubernetes

    Which installer makes the cluster, what it installs, and from where.
    """

    installer: Literal["kubeadm", "kubespray", "none"] = key(
        "kubeadm", "kubeadm, kubespray (the guide's own way), or none for a cluster that exists already."
    )
    allow_multiple_masters: Switch = key(
        False, "Allow more than the one master of the guide; etcd then needs an odd number."
    )
    openpai_kube_network_plugin: Word = key(
        "calico", "Pod network. kubeadm: calico or host-gw; kubespray: what it offers."
    )
    gcr_image_repo: Repository | None = key(None, "Replaces gcr.io.", example="gcr.io")
    kube_image_repo: Repository | None = key(
        None, "Repository of Kubernetes' images.", example="gcr.io/google-containers"
    )
    quay_image_repo: Repository | None = key(None, "Replaces quay.io.", example="quay.io")
    docker_image_repo: Repository | None = key(
        None, "Replaces docker.io in what kubespray installs.", example="docker.io"
    )
    etcd_image_repo: Repository | None = key(
        None, "Repository of etcd's image.", since="1.0.1", example="quay.io/coreos/etcd"
    )
    pod_infra_image_repo: Repository | None = key(
        None,
        "Repository of the pause image.",
        since="1.0.1",
        example='"gcr.io/google_containers/pause-{{ image_arch }}"',
    )
    kubeadm_download_url: Text | None = key(
        None,
        "URL of kubeadm. `{{ kubeadm_version }}` and `{{ image_arch }}` are filled in.",
        example='"https://mirror.example.com/{{ kubeadm_version }}/bin/linux/{{ image_arch }}/kubeadm"',
    )
    hyperkube_download_url: Text | None = key(
        None,
        "URL of hyperkube, for kubespray.",
        example='"https://mirror.example.com/{{ kube_version }}/bin/linux/{{ image_arch }}/hyperkube"',
    )
    openpai_kubespray_extra_var: dict[str, object] = key(
        {},
        "Further variables for kubespray; they win over ours.",
        since="1.0.1",
        example="{kube_log_level: 4}",
        secret=True,
    )
    kubelet_custom_flags: dict[str, object] = key(
        {},
        "Flags for the kubelet, in place of OpenPAI's own.",
        since="master",
        example='{serialize-image-pulls: "false"}',
    )
    kubernetes_version: Word = key("v1.21.14", "Version that kubeadm installs.")
    kubernetes_mirror: Url = key("https://dl.k8s.io/release", "Where kubeadm, kubelet and kubectl come from.")
    kube_pods_subnet: Subnet = key("10.200.0.0/13", "Network of the pods; free of hosts.")
    kube_service_addresses: Subnet = key("10.192.0.0/13", "Network of the services; free of hosts.")
