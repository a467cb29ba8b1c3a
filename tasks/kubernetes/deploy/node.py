"""What a host needs before it can be a Kubernetes node: packages, kernel, Docker's options, binaries, the kubelet."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Config, Role
from cluster.kubernetes import api_servers, binary_sha256, binary_url, kubelet_flags
from tasks import apt, docker, preflight, systemd
from tasks.apt import Binaries
from tasks.kubernetes import upgrade_policy
from tasks.kubernetes.facts.node import Resolver
from tasks.kubernetes.facts.versions import InstalledVersions
from tasks.kubernetes.operations import api_name, images, kernel, kubelet, membership
from tasks.reach import FILES, cluster_host, cluster_of, config_of, must_wait, put, render, role_of, waiting

# Programs that kubeadm's first check, the kubelet, kube-proxy and the watch over GPUs call.
PACKAGES = ["conntrack", "curl", "ebtables", "ethtool", "iproute2", "iptables", "openssl", "socat"]
MODULES = ["overlay", "br_netfilter"]
SYSCTLS = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
}
POD_NETWORK, POD_NETWORK_UNIT = "/usr/local/sbin/openpai-pod-network", "/etc/systemd/system/openpai-pod-network.service"


@deploy("Kubernetes, the host")
def prepare() -> None:
    """Everything on a master or worker that does not need a cluster yet."""
    membership.touchable(
        name="What Kubernetes is here may be gone on with",
        node_name=cluster_host(host).name,
        servers=api_servers(cluster_of(host)),
        master=role_of(host) is Role.MASTER,
    )
    make_ready()


def make_ready() -> None:
    """The same, where it is known already what may be done with the Kubernetes that is here."""
    config = config_of(host)
    host_gw = config.openpai_kube_network_plugin == "host-gw"
    kubelet.version_kept(name="The cluster's version stays", version=config.kubernetes_version)
    know_the_api()
    log_in()
    docker.suits_kubelet(name="A Docker that the kubelet can drive", version=config.kubernetes_version)
    # The distribution's plugins are for our own network; calico brings what it needs.
    packages = [*PACKAGES, "containernetworking-plugins"] if host_gw else PACKAGES
    apt.packages(name="Programs that Kubernetes calls", names=packages, hold=False)
    _kernel()
    docker.settings(name="Docker's cgroup driver", settings={"exec-opts": [docker.CGROUP_DRIVER]})
    docker.settled(name="Docker runs with its cgroup driver")
    # Docker is not restarted any more from here on.
    images.pulled_meanwhile(
        name="Images are pulled meanwhile",
        node_name=cluster_host(host).name,
        master=role_of(host) is Role.MASTER,
        images=[one.name for one in preflight.pulled(config, role_of(host)) if one.deploy],
    )
    installed = host.get_fact(InstalledVersions)
    # A program that is gone is no matter of turns.
    waits = upgrade_policy.due(installed, config.kubernetes_version) if installed.kubelet and must_wait(host) else []
    if waits:
        waiting(name="Kubernetes' programs", due=waits, task="tasks.kubernetes.upgrade")
    else:
        program("kubeadm", config)
        run_kubelet()
    if host_gw:
        _pod_network()


def know_the_api() -> None:
    """The API server's name in /etc/hosts, before anything asks it."""
    cluster = cluster_of(host)
    title, name = "The API server's name in /etc/hosts", cluster.config.kube_api_name
    api_name.known(name=title, api=name, address=cluster.masters[0].address)


def log_in() -> None:
    """The config's registry login for the kubelet, before it starts: it looks again after five minutes only."""
    if config_of(host).docker_registry_username:
        title = "The kubelet is logged in to the config's registry"
        docker.logged_in(name=title, path=kubelet.LOGINS, like=docker.CLIENT_CONFIG)


def program(name: str, config: Config) -> None:
    """One of kubeadm, kubelet and kubectl in /usr/local/bin, at its version and sum."""
    apt.program(
        name=f"{name} at its version",
        path=f"/usr/local/bin/{name}",
        url=lambda arch: binary_url(config, name, arch),
        sha256=lambda arch: binary_sha256(config, name, arch),
        version=config.kubernetes_version,
        remedy=f"check kubernetes_mirror, {name}_download_url and kubernetes_sha256 in config.yaml",
    )


def _kernel() -> None:
    at_boot = "".join(f"{module}\n" for module in MODULES)
    put(name="Kernel modules at boot", content=at_boot, dest="/etc/modules-load.d/openpai-kubernetes.conf")
    kernel.modules(name="Kernel modules now", names=MODULES)
    settings = "".join(f"{key} = {value}\n" for key, value in SYSCTLS.items())
    put(name="Kernel settings at boot", content=settings, dest="/etc/sysctl.d/99-openpai-kubernetes.conf")
    kernel.sysctls(name="Kernel settings now", values=SYSCTLS)
    kernel.no_swap(name="No swap")


def run_kubelet() -> None:
    """kubelet and kubectl at the config's version, and the kubelet running with its unit and flags."""
    for name in host.loop(["kubelet", "kubectl"]):
        program(name, config_of(host))
    _kubelet()


def _kubelet() -> None:
    kubelet.leftovers_aside(name="Another kubelet's files speak no more")
    arch = host.get_fact(Binaries, paths=[kubelet.BINARY]).arch
    flags = kubelet_flags(config_of(host), cluster_host(host), arch, host.get_fact(Resolver))
    put(name="The kubelet's flags", content=render("kubernetes/kubelet.default.j2", flags=flags), dest=kubelet.DEFAULTS)
    unit = render("kubernetes/kubelet.service.j2", defaults=kubelet.DEFAULTS, binary=kubelet.BINARY)
    put(name="The kubelet's unit", content=unit, dest=kubelet.UNIT)
    kubelet.in_force(name="The kubelet runs with its configuration")


def _pod_network() -> None:
    node, pods = cluster_host(host).name, cluster_of(host).config.kube_pods_subnet
    put(name="Pod network: program", content=FILES / "kubernetes/pod-network", dest=POD_NETWORK, mode="755")
    unit = render("kubernetes/pod-network.service.j2", node=node, pods=pods)
    put(name="Pod network: unit", content=unit, dest=POD_NETWORK_UNIT)
    systemd.fresh(
        name="Pod network: running", unit="openpai-pod-network.service", files=[POD_NETWORK, POD_NETWORK_UNIT]
    )
