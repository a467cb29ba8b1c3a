"""Kubernetes by kubeadm: from hosts with Docker to nodes that are Ready and advertise their GPUs; and day 2."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from cluster.kubernetes import api_servers, calico_edits, calico_needs, init_config
from tasks import apt, gpu, kubespray
from tasks.kubernetes.deploy import backups, dev_box, gpu_watch, node
from tasks.kubernetes.deploy.day2 import ours
from tasks.kubernetes.facts.node import KubernetesNode
from tasks.kubernetes.operations import (
    certificates,
    control_plane,
    device_plugin,
    folder_record,
    membership,
    nodes,
    own_name,
    pod_network,
    restore,
    service,
)
from tasks.progress import notes
from tasks.reach import FILES, barrier, cluster_host, cluster_of, config_of, disruption_allowed, put, role_of

# Manifests that the cluster was given, kept beside kubeadm's own files.
FOLDER = "/etc/kubernetes/openpai"


@deploy("Control plane")
def begin() -> None:
    """A new control plane comes up while workers get their GPUs' drivers; install() waits for it."""
    if config_of(host).installer != "kubeadm":
        return
    if role_of(host) is Role.MASTER:
        notes(host).begun = True
        name_host()
        node.prepare()
        _configured()
        control_plane.begun(
            name="The control plane begins",
            node_name=cluster_host(host).name,
            servers=api_servers(cluster_of(host)),
            ignore=config_of(host).kubeadm_ignore_preflight_errors,
        )
    barrier(name="The control plane begins first")


@deploy("Kubernetes")
def install() -> None:
    """The whole stage, for a host of any role, by the config's installer."""
    installer = config_of(host).installer
    name_host()
    if installer == "kubeadm":
        _by_kubeadm()
    elif installer == "kubespray":
        if role_of(host) is not Role.DEV_BOX:
            node.log_in()
        kubespray.install()
        barrier(name="kubespray comes first")
    if installer != "none":
        _finish()


@deploy("The host's name")
def name_host() -> None:
    """Masters and workers named as in the CSV files, where set_hostnames says so."""
    if config_of(host).set_hostnames and role_of(host) is not Role.DEV_BOX:
        own_name.called(name="The host has its name", wanted=cluster_host(host).name)


def _by_kubeadm() -> None:
    role, config = role_of(host), config_of(host)
    barrier(name="What nodes need comes first")
    if role is Role.DEV_BOX:
        dev_box.pull_ahead()
    elif not notes(host).begun:
        node.prepare()
    barrier(name="Programs come first")
    if role is Role.MASTER:
        bring_up()
        # Before the workers join: one that joined and was never recorded could not be found when it leaves.
        folder_record.hosts_recorded(name="The folder's record of the hosts", cluster=cluster_of(host))
    barrier(name="The control plane comes first")
    if role is Role.WORKER:
        join()
    if role is not Role.DEV_BOX and config.openpai_kube_network_plugin == "host-gw":
        pod_network.converged(name="Pods are reachable", node=cluster_host(host).name)
    barrier(name="Then the nodes")


def _finish() -> None:
    role, config = role_of(host), config_of(host)
    if role is Role.MASTER:
        equip()
    barrier(name="Then what uses them")
    vendor = gpu.vendor(config)
    if role is Role.WORKER and config.installer == "kubeadm":
        gpu_watch.watched()
    if role is Role.DEV_BOX and config.installer == "kubeadm":
        dev_box.establish()
    if config.installer == "kubeadm":
        backups.kept()
    # Last, what takes its time: a kubelet says every ten seconds what its node has.
    if role is Role.MASTER:
        settle()
    if role is Role.WORKER and vendor:
        device_plugin.advertised(name="Every GPU is advertised", node=cluster_host(host).name, vendor=vendor)
    barrier(name="Kubernetes is whole")


@deploy("Kubernetes, the control plane")
def bring_up() -> None:
    """The control plane on the master, and calico where it is the pod network."""
    config = config_of(host)
    _configured()
    control_plane.up(
        name="The control plane is up",
        node_name=cluster_host(host).name,
        servers=api_servers(cluster_of(host)),
        ignore=config.kubeadm_ignore_preflight_errors,
    )
    put(name="Program to restore etcd", content=FILES / "kubernetes/etcd-restore", dest=restore.PROGRAM, mode="755")
    if config.openpai_kube_network_plugin == "calico":
        _calico()


def _configured() -> None:
    cluster, servers = cluster_of(host), api_servers(cluster_of(host))
    # A cluster that was made with another endpoint than a new one would have keeps it.
    made_with = host.get_fact(KubernetesNode, node=cluster_host(host).name, master=True).server
    endpoint = made_with if made_with in servers else servers[0]
    put(name="kubeadm's configuration", content=init_config(cluster, endpoint), dest=control_plane.CONFIG, mode="600")


def _calico() -> None:
    config = config_of(host)
    original, path = f"{FOLDER}/calico-original.yaml", f"{FOLDER}/calico.yaml"
    apt.downloaded(
        name="Calico's manifest",
        url=config.calico_manifest_url,
        path=original,
        sha256=config.calico_manifest_sha256,
        remedy="check calico_manifest_url and calico_manifest_sha256 in config.yaml",
    )
    pod_network.calico_manifest(
        name="Calico by the config: images, the node's address, encapsulation",
        source=original,
        path=path,
        replaced=calico_edits(config),
        needed=calico_needs(config),
        vxlan=config.calico_encapsulation == "vxlan",
    )
    nodes.applied(name="Calico", path=path)


@deploy("Kubernetes, the worker")
def join() -> None:
    """A worker as a member of the cluster."""
    membership.joined(
        name="The worker is a member",
        cluster=cluster_of(host),
        worker=cluster_host(host),
        ignore=config_of(host).kubeadm_ignore_preflight_errors,
    )


@deploy("Kubernetes, the cluster")
def equip() -> None:
    """Labels as OpenPAI expects them, the device plugin, certificates that last."""
    cluster, config = cluster_of(host), config_of(host)
    masters, workers = [one.name for one in cluster.masters], [one.name for one in cluster.workers]
    nodes.labelled(
        name="Labels that OpenPAI expects",
        labels={name: {"pai-master": "true"} for name in masters} | {name: {"pai-worker": "true"} for name in workers},
        tainted={name: config.kube_master_taint for name in masters},
    )
    vendor = gpu.vendor(config)
    if vendor:
        title, plugin = f"{vendor.name}'s device plugin", vendor.device_plugin
        path = f"{FOLDER}/{plugin.container}.yaml"
        put(name=f"{title}: manifest", content=plugin.manifest(config), dest=path)
        nodes.applied(name=title, path=path, kept=plugin.workload)
    if config.installer == "kubeadm":
        nodes.without_tokens(name="No token outlives its join")
        renew_certificates()
        if config.openpai_kube_network_plugin == "host-gw":
            nodes.readdressed(
                name="Pods have addresses of their node",
                forced=disruption_allowed(host),
                timeout=config.kubernetes_timeout,
            )
    service.reminded(name="Nodes that a rolling change has left out of service")


@deploy("Kubernetes, the whole")
def settle() -> None:
    """Wait until all that was brought up is ready: CoreDNS takes ten seconds and more, in which there is other work."""
    cluster, timeout = cluster_of(host), config_of(host).kubernetes_timeout
    names = [one.name for one in (*cluster.masters, *cluster.workers)]
    nodes.ready(name="Every node is Ready", names=names, timeout=timeout)
    nodes.settled(name="System pods are ready", timeout=timeout)


@deploy("Kubernetes, certificates")
def renew_certificates() -> None:
    """Certificates of the control plane renewed before they expire; a plain deploy does it too."""
    if ours() and role_of(host) is Role.MASTER:
        days = config_of(host).kube_certificate_renewal_days
        certificates.renewed(name="Certificates last and are in use", days=days)
