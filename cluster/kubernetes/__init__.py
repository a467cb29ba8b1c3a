"""Kubernetes: which versions can work, where they come from, and what its two installers read. Pure: no I/O."""

from cluster.kubernetes.calico import calico_edits, calico_needs
from cluster.kubernetes.kubeadm import TOKEN_LIFE, api_servers, ca_hash, init_config, join_config, kubelet_flags
from cluster.kubernetes.kubespray import PythonVersion, kubespray_constraints, kubespray_python_fits, kubespray_pythons
from cluster.kubernetes.quantity import MIB, parse_quantity
from cluster.kubernetes.sources import (
    OFFICIAL_SHA256,
    binary_sha256,
    binary_url,
    control_plane_images,
    etcd_repository,
    node_images,
    pause_image,
)
from cluster.kubernetes.versions import BINARIES, SUPPORTED_MINORS, docker_api_fits, minor_version
