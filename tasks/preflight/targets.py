"""What a host must reach over the network, from the config. Pure; asked by the snapshot, judged by reachability.py."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from cluster import Cluster, Config, Host, Role
from cluster.kubernetes import BINARIES, binary_url
from tasks import docker
from tasks.preflight.facts import Target

DOCKER_HUB = "docker.io"
# Where kubespray's images live unless the config names another repository.
QUAY, GOOGLE = "quay.io", "gcr.io"
# Where these are, reachability.py judges no source of theirs.
ENGINE, TOOLKIT, KUBELET = "docker-ce", "nvidia-container-toolkit", "kubelet"
INTERNAL_STORAGE = "/mnt/paiInternal"  # src/internal-storage/config/internal-storage.yaml of OpenPAI


def peers(cluster: Cluster, host: Host) -> list[str]:
    """ADDRESS:PORT of sshd on every other host, then of the proxies. A dev box that is this machine has no address."""
    others = [other for other in cluster.hosts if other != host and not other.is_local]
    return [f"{other.address}:{cluster.config.ssh_port}" for other in others] + proxies(cluster.config)


def proxies(config: Config) -> list[str]:
    """HOST:PORT of the configured proxies."""
    urls = [url for url in (config.http_proxy, config.https_proxy) if url]
    return sorted({f"{urlsplit(url).hostname}:{urlsplit(url).port or 80}" for url in urls})


def targets(cluster: Cluster, host: Host) -> list[Target]:
    """The package sources that `host` will use, and kubespray's registries; images.py adds the images."""
    config = cluster.config
    found = [_docker_source(config)]
    if host.role is Role.WORKER and config.gpu_type == "nvidia":
        url = f"{config.nvidia_toolkit_apt_mirror.rstrip('/')}/amd64/InRelease"
        found.append(_target("nvidia-source", "apt", url, config, TOOLKIT))
    found += [_target(id, "apt", url, config, KUBELET) for id, url in kubernetes_sources(config, host.role).items()]
    if registries(config):
        for url in mirrors(config):
            found.append(_target(f"mirror:{urlsplit(url).netloc}", "http", f"{url.rstrip('/')}/v2/", config))
    found += [_target(f"registry:{name}", "http", api(name, config), config) for name in registries(config)]
    return as_docker_asks(found, cluster)


def kubernetes_sources(config: Config, role: Role) -> dict[str, str]:
    """What kubeadm's installation downloads on a host of `role`, by id; for a program, its .sha256 file."""
    if config.installer != "kubeadm" or role is Role.DEV_BOX:
        return {}
    found = {f"kubernetes:{name}": f"{binary_url(config, name, 'amd64')}.sha256" for name in BINARIES}
    if role is Role.MASTER and config.openpai_kube_network_plugin == "calico":
        found["kubernetes:calico"] = config.calico_manifest_url
    return found


def mirrors(config: Config) -> list[str]:
    """The mirrors of Docker Hub."""
    return list(dict.fromkeys(config.openpai_docker_registry_mirrors))


def registries(config: Config) -> list[str]:
    """HOST[:PORT] of the registries of kubespray's images, which only it can name."""
    if config.installer != "kubespray":
        return []
    repositories = [
        config.kube_image_repo or config.gcr_image_repo or GOOGLE,
        config.quay_image_repo or QUAY,
        config.docker_image_repo or DOCKER_HUB,
    ]
    return list(dict.fromkeys(repository.partition("/")[0] for repository in repositories))


def registry_of(image: str) -> str:
    """The registry that Docker takes an image of this name from.

    >>> registry_of("busybox:1.31.1"), registry_of("reg.example.com:5000/openpai/pylon:v1.8.0")
    ('docker.io', 'reg.example.com:5000')
    """
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DOCKER_HUB


def folders(config: Config) -> list[str]:
    """The folders that need room: Docker's, /var, /boot, and that of OpenPAI's internal storage."""
    return [config.docker_data_root, "/var", "/boot", INTERNAL_STORAGE]


def as_docker_asks(found: list[Target], cluster: Cluster) -> list[Target]:
    """`found`, without a proxy where it is Docker's affair and Docker asks past its own."""
    networks = docker.inside(cluster)
    direct = {one for one in found if any(_covers(each, urlsplit(one.url).hostname or "") for each in networks)}
    return [replace(one, proxy=None) if one in direct and one.client != "apt" else one for one in found]


def proxy_for(url: str, config: Config) -> str | None:
    """The proxy that a client with the config's proxy settings asks for `url`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if any(_covers(entry, host) for entry in config.no_proxy):
        return None
    return (config.https_proxy or config.http_proxy) if parts.scheme == "https" else config.http_proxy


def _covers(entry: str, host: str) -> bool:
    """Whether an entry of no_proxy (a host, a domain, an address, a network, `*`) means `host`."""
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        domain = entry.lstrip("*.")
        return entry == "*" or host == domain or host.endswith(f".{domain}")


def _docker_source(config: Config) -> Target:
    base = docker.MIRRORS.get(config.docker_apt_mirror, config.docker_apt_mirror).rstrip("/")
    return _target("docker-source", "apt", f"{base}/linux/@id@/dists/@codename@/InRelease", config, ENGINE)


def _target(id: str, client: str, url: str, config: Config, needless: str = "") -> Target:
    return Target(id, client, url, proxy_for(url, config), needless)


def api(name: str, config: Config) -> str:
    """The URL of a registry's API, by the registry's name as in an image's."""
    if name == DOCKER_HUB:
        return "https://registry-1.docker.io/v2/"
    scheme = "http" if _insecure(name, config.openpai_docker_insecure_registries) else "https"
    return f"{scheme}://{name}/v2/"


def _insecure(name: str, insecure: Iterable[str]) -> bool:
    """Docker takes an insecure registry by name, by address, or by network; a port must be named where it differs."""
    host = name.partition(":")[0]
    return any(entry == name or ("/" in entry and _covers(entry, host)) for entry in insecure)
