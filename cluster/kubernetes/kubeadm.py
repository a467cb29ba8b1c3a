"""kubeadm's configuration files, made of the cluster folder. Pure: no I/O.

The values that OpenPAI's own installer sets (openpai.yml: subnets, node prefix, request limits, eviction rate, etcd's
quota) are set here too, where the component still has the flag.
"""

import hashlib
from typing import Any

import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from cluster.config import Config
from cluster.kubernetes.sources import dns_repository, etcd_repository, image_repository, pause_image
from cluster.model import Cluster, Host

# Kubernetes 1.20 and 1.21.
API = "kubeadm.k8s.io/v1beta2"
API_PORT = 6443
DOCKER_SOCKET = "/var/run/dockershim.sock"
# Minutes that a token lets a worker join; a join takes seconds.
TOKEN_LIFE = 15
OPENPAI_KUBELET_FLAGS = {"image-pull-progress-deadline": "10m"}


def api_servers(cluster: Cluster) -> list[str]:
    """How kubeconfigs may name the API server, with its port: by kube_api_name, or by the master's address.

    A new cluster is made with the first; clusters of before there was a name keep the address.
    """
    return [f"{cluster.config.kube_api_name}:{API_PORT}", f"{cluster.masters[0].address}:{API_PORT}"]


def init_config(cluster: Cluster, endpoint: str) -> str:
    """What `kubeadm init --config` reads on the master, for a cluster whose kubeconfigs name the API server `endpoint`.

    It holds no secret.
    """
    master, config = cluster.masters[0], cluster.config
    init = {
        "apiVersion": API,
        "kind": "InitConfiguration",
        # kubeadm insists on making one token; ours are made when a worker joins.
        "bootstrapTokens": [{"ttl": "1m0s"}],
        "localAPIEndpoint": {"advertiseAddress": master.address, "bindPort": API_PORT},
        # An empty list, so that the kubelet registers without the taint that kube_master_taint decides about.
        "nodeRegistration": {**_registration(master), "taints": []},
    }
    return _documents(init, _cluster(cluster, endpoint), _kubelet(), _kube_proxy(config))


def join_config(cluster: Cluster, worker: Host, token: str, ca_sha256: str) -> str:
    """What `kubeadm join --config` reads on `worker`. It holds the token."""
    discovery = {
        # By address, which every certificate has; the kubelet is then given the endpoint that the cluster itself names.
        "apiServerEndpoint": f"{cluster.masters[0].address}:{API_PORT}",
        "token": token,
        "caCertHashes": [f"sha256:{ca_sha256}"],
    }
    return _documents(
        {
            "apiVersion": API,
            "kind": "JoinConfiguration",
            "discovery": {"bootstrapToken": discovery, "timeout": "2m0s"},
            "nodeRegistration": _registration(worker),
        }
    )


def ca_hash(certificate: str) -> str:
    """The hash by which a joining worker knows the cluster's CA: SHA-256 of the certificate's public key.

    `certificate` is PEM text; ValueError when it is not a certificate.
    """
    key = load_pem_x509_certificate(certificate.encode()).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def kubelet_flags(config: Config, node: Host, arch: str, resolver: str) -> dict[str, str]:
    """The kubelet's flags on `node`: those of OpenPAI, or kubelet_custom_flags in their place, and ours.

    `resolver` is the file that pods of the node take their name servers from.
    """
    custom = {name: _text(value) for name, value in config.kubelet_custom_flags.items()}
    return {
        "resolv-conf": resolver,
        **(custom or OPENPAI_KUBELET_FLAGS),
        "hostname-override": node.name,
        "node-ip": node.address,
        "network-plugin": "cni",
        # Debian and Ubuntu package the plugins in the second, calico brings its own to the first.
        "cni-bin-dir": "/opt/cni/bin,/usr/lib/cni",
        "pod-infra-container-image": pause_image(config, arch),
    }


def _cluster(cluster: Cluster, endpoint: str) -> dict[str, Any]:
    config = cluster.config
    return {
        "apiVersion": API,
        "kind": "ClusterConfiguration",
        "clusterName": cluster.folder.name,
        "kubernetesVersion": config.kubernetes_version,
        "controlPlaneEndpoint": endpoint,
        "imageRepository": image_repository(config),
        "dns": {"type": "CoreDNS", "imageRepository": dns_repository(config)},
        "etcd": {
            "local": {
                "dataDir": "/var/lib/etcd",
                "imageRepository": etcd_repository(config),
                "extraArgs": {"quota-backend-bytes": "8589934592"},
            }
        },
        "networking": {
            "podSubnet": config.kube_pods_subnet,
            "serviceSubnet": config.kube_service_addresses,
            "dnsDomain": "cluster.local",
        },
        "apiServer": {
            "certSANs": [config.kube_api_name, cluster.masters[0].address],
            "extraArgs": {"max-requests-inflight": "1500", "max-mutating-requests-inflight": "500"},
            "timeoutForControlPlane": f"{config.kubernetes_timeout}s",
        },
        "controllerManager": {
            "extraArgs": {
                "node-cidr-mask-size": str(config.kube_network_node_prefix),
                "secondary-node-eviction-rate": "0.05",
                "large-cluster-size-threshold": "0",
            }
        },
    }


def _kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # The same in Docker's daemon.json; the safe one on cgroup v1 and v2 alike.
        "cgroupDriver": "systemd",
    }


def _kube_proxy(config: Config) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "conntrack": {"maxPerCore": config.kube_proxy_conntrack_max_per_core},
    }


def _registration(node: Host) -> dict[str, Any]:
    return {"name": node.name, "criSocket": DOCKER_SOCKET}


def _documents(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
