"""Keys: Kubernetes."""

from typing import Annotated, Literal

from pydantic import Field

from cluster.config.base import (
    Count,
    Group,
    HostName,
    Image,
    Positive,
    Recipient,
    Repository,
    Sha256,
    Subnet,
    Switch,
    Text,
    Url,
    Word,
    key,
)


class Kubernetes(Group):
    """Kubernetes

    Which installer makes the cluster, what it installs, and from where.
    """

    installer: Literal["kubeadm", "kubespray", "none"] = key(
        "kubeadm",
        "kubeadm, kubespray (the guide's own way), or none for a cluster that exists already.",
        changes="the Kubernetes tasks",
    )
    set_hostnames: Switch = key(
        False,
        "Give masters and workers the names of the CSV files, as kubespray does; a host that is a Kubernetes node "
        "already is never renamed.",
        changes="hostname and /etc/hosts of masters and workers",
    )
    allow_multiple_masters: Switch = key(
        False,
        "Allow more than the one master of the guide; etcd then needs an odd number.",
        changes="check; hosts.yml `etcd`",
    )
    openpai_kube_network_plugin: Word = key(
        "calico",
        "Pod network. kubeadm: calico or host-gw; kubespray: what it offers.",
        changes="pod network; openpai.yml `kube_network_plugin`",
    )
    gcr_image_repo: Repository | None = key(
        None,
        "Replaces gcr.io.",
        example="gcr.io",
        changes="image names; openpai.yml",
    )
    kube_image_repo: Repository | None = key(
        None,
        "Repository of Kubernetes' images.",
        example="gcr.io/google-containers",
        changes="image names; openpai.yml",
    )
    quay_image_repo: Repository | None = key(
        None,
        "Replaces quay.io.",
        example="quay.io",
        changes="image names; openpai.yml",
    )
    docker_image_repo: Repository | None = key(
        None,
        "Replaces docker.io in what kubespray installs, and in Calico's images.",
        example="docker.io",
        changes="image names; openpai.yml",
    )
    etcd_image_repo: Repository | None = key(
        None,
        "Repository of etcd's image.",
        since="1.0.1",
        example="quay.io/coreos/etcd",
        changes="image names; openpai.yml",
    )
    pod_infra_image_repo: Repository | None = key(
        None,
        "Repository of the pause image.",
        since="1.0.1",
        example='"gcr.io/google_containers/pause-{{ image_arch }}"',
        changes="image names; openpai.yml",
    )
    kubeadm_download_url: Text | None = key(
        None,
        "URL of kubeadm. `{{ kubeadm_version }}` and `{{ image_arch }}` are filled in.",
        example='"https://mirror.example.com/{{ kubeadm_version }}/bin/linux/{{ image_arch }}/kubeadm"',
        changes="download; openpai.yml",
    )
    hyperkube_download_url: Text | None = key(
        None,
        "URL of hyperkube, for kubespray.",
        example='"https://mirror.example.com/{{ kube_version }}/bin/linux/{{ image_arch }}/hyperkube"',
        changes="openpai.yml",
    )
    openpai_kubespray_extra_var: dict[str, object] = key(
        {},
        "Further variables for kubespray; they win over ours.",
        since="1.0.1",
        example="{kube_log_level: 4}",
        secret=True,
        changes="openpai.yml",
    )
    kubelet_custom_flags: dict[str, object] = key(
        {},
        "Flags for the kubelet, in place of OpenPAI's own.",
        since="master",
        example='{serialize-image-pulls: "false"}',
        changes="kubelet; openpai.yml",
    )
    kubernetes_version: Word = key(
        "v1.20.15",
        "Version that kubeadm installs: v1.20.x, which OpenPAI needs, or v1.21.x where `openpai` is false.",
    )
    kubernetes_mirror: Url = key("https://dl.k8s.io/release", "Where kubeadm, kubelet and kubectl come from.")
    kubelet_download_url: Text | None = key(
        None, "URL of kubelet, in place of kubernetes_mirror; placeholders as for kubeadm_download_url."
    )
    kubectl_download_url: Text | None = key(
        None, "URL of kubectl, in place of kubernetes_mirror; placeholders as for kubeadm_download_url."
    )
    kubernetes_sha256: dict[str, Sha256] = key(
        {},
        "SHA-256 sums of kubeadm, kubelet and kubectl. Without one: the official sum where this release knows it "
        "(v1.20.15, v1.21.14), else the .sha256 file beside the binary.",
        example="{kubeadm: 3b1da35298d062540f9ecad0f18cf4e44be0c7d37c5e430ed0cb56d6c0fe5ebc}",
    )
    kube_pods_subnet: Subnet = key(
        "10.200.0.0/13",
        "Network of the pods; free of hosts.",
        changes="pod network; openpai.yml",
    )
    kube_service_addresses: Subnet = key(
        "10.192.0.0/13",
        "Network of the services; free of hosts.",
        changes="service network; openpai.yml",
    )
    kube_network_node_prefix: Annotated[int, Field(ge=16, le=28)] = key(
        25,
        "Prefix length of each node's share of kube_pods_subnet; 25 holds 126 pods.",
        changes="pod network; openpai.yml",
    )
    kube_api_name: HostName = key(
        "kubernetes-api.openpai.internal",
        "Name by which nodes and kubeconfigs of a new cluster know the API server. Every host has it in /etc/hosts "
        "with the master's address, unless an entry of yours is there.",
        changes="kubeadm's `controlPlaneEndpoint`; /etc/hosts of all hosts",
    )
    kube_master_taint: Switch = key(
        False, "Keep pods without a toleration off the master. OpenPAI's services run there and have none."
    )
    kube_proxy_conntrack_max_per_core: Count = key(
        32768, "Connections tracked per CPU core; 0 leaves the kernel's limit, for hosts that are containers."
    )
    kubeadm_ignore_preflight_errors: list[Word] = key(
        [], "Checks of kubeadm to pass over, by their names.", example="[SystemVerification]"
    )
    kubernetes_timeout: Positive = key(300, "Seconds to wait for nodes, system pods and the pod network.")
    calico_manifest_url: Url = key(
        "https://raw.githubusercontent.com/oracle/cluster-api-provider-oci/566c4c6b8fbc23643148cfe334452e4ae43085f7"
        "/test/e2e/data/cni/calico.yaml",
        "Calico's manifest, for openpai_kube_network_plugin calico: by default that of v3.20.3.",
    )
    calico_manifest_sha256: Sha256 = key(
        "1ab504769c79c09f48e73cab7d535e726ca6b2d381a19d5ad83ab4ea40b3ec6e", "SHA-256 sum of that manifest."
    )
    calico_encapsulation: Literal["ipip", "vxlan"] = key(
        "ipip",
        "How Calico carries pods' packets between nodes: ipip, with BGP, or vxlan (UDP 4789) for networks that do not "
        "let both through. For a new cluster: a pool of addresses keeps what it was made for.",
        changes="Calico's manifest",
    )
    nvidia_device_plugin_image: Image = key(
        "nvcr.io/nvidia/k8s-device-plugin:v0.14.5", "NVIDIA's device plugin, with its version."
    )
    kube_certificate_renewal_days: Positive = key(
        60, "Days before the control plane's certificates expire at which they are renewed."
    )
    departure_max: Count = key(
        1,
        "Workers that `tasks.kubernetes.remove_departed` takes out at once without --data confirm=N, their number: a "
        "worker.csv that was cut off must not empty the cluster.",
    )
    etcd_snapshots_kept: Positive = key(10, "Snapshots of etcd, and copies of the certificates, kept on the master.")
    backup_keep: Positive = key(
        28, "Encrypted backups of the control plane kept on the master and on the dev box; one is made every six hours."
    )
    backup_recipient: Recipient | None = key(
        None,
        "To whom backups are encrypted, as age has it. Empty: to a key that the deploy makes and keeps as `backup.key` "
        "in the cluster folder; keep a copy of that elsewhere.",
        example="age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudfklhsqqqjxl7",
    )
    kubespray_repository: Text = key(
        "https://github.com/kubernetes-sigs/kubespray.git",
        "Git repository of kubespray: a URL, or a path on the dev box.",
    )
    kubespray_commit: Word = key(
        "67167bd8d292b67e9c8bceccbc8fb230d05bd2ba", "Commit of kubespray; by default the last one of release-2.11."
    )
    kubespray_python: Word | None = key(
        None,
        "Python on the dev box to run kubespray's Ansible: a path or a name. Empty: the first that fits of python3.9, "
        "python3.8 and python3.",
        example="/opt/python3.8/bin/python3.8",
    )
