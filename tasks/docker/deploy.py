"""Docker, as the guide installs it: the vendor's packages, the proxy, the docker group, daemon.json."""

from ipaddress import IPv4Network
from typing import Any

from pyinfra import host
from pyinfra.api import deploy

from cluster import Cluster, Config
from tasks import apt
from tasks.apt import Release, proxy_file
from tasks.docker.changes_due import packages_due
from tasks.docker.facts import CLIENT_CONFIG, DROP_INS, Docker
from tasks.docker.operations import daemon, logins
from tasks.docker.packages import kept
from tasks.reach import cluster_of, config_of, must_wait, role_of, waiting

# The guide's two sources and its script's second mirror ("--mirror AzureChinaCloud").
MIRRORS = {
    "official": "https://download.docker.com",
    "aliyun": "https://mirrors.aliyun.com/docker-ce",
    "azurechina": "https://mirror.azure.cn/docker-ce",
}
KEYRING, SOURCE = "/etc/apt/keyrings/docker.asc", "/etc/apt/sources.list.d/docker.sources"
PROXY = f"{DROP_INS}/http-proxy.conf"


@deploy("Docker")
def install() -> None:
    """Docker from the vendor's repository, running with the config's options, usable by the config's user.

    A dev box keeps the one it has. On a node in service other packages, and a restart, wait for their turn in a rolling
    change.
    """
    config = config_of(host)
    ours = not kept(role_of(host), config, host.get_fact(Docker))
    waits = packages_due() if ours and must_wait(host) else []
    if waits:
        waiting(name="Docker's packages", due=waits)
        ours = False
    if ours:
        daemon.predecessors_removed(name="None of Docker's predecessors")
        _source(config)
    # Options before packages: a fresh daemon starts with them and needs no restart.
    proxy_file(PROXY, "docker/http-proxy.conf.j2", config, inside(cluster_of(host)))
    chosen, defaults = options(config)
    daemon.settings(name="Options in daemon.json", settings=chosen, defaults=defaults)
    if ours:
        daemon.packages(name="Docker packages, at their version and held")
    daemon.settled(name="Docker runs with its configuration")
    daemon.member(name="The user may use Docker", user=config.user, group="docker")
    if config.docker_registry_username:
        logins.logged_in(name="Root's Docker is logged in to the config's registry", path=CLIENT_CONFIG)


def _source(config: Config) -> None:
    """Docker's package source, its key checked."""
    release = host.get_fact(Release)
    base = f"{MIRRORS.get(config.docker_apt_mirror, config.docker_apt_mirror).rstrip('/')}/linux/{release.id}"
    apt.packages(name="Tools to check the vendor's key", names=["ca-certificates", "gnupg"], hold=False)
    apt.key(
        name="Docker's signing key",
        url=f"{base}/gpg",
        fingerprint=config.docker_apt_key_fingerprint,
        path=KEYRING,
    )
    apt.source(
        name="Docker's package source",
        path=SOURCE,
        uri=base,
        suite=release.codename,
        components=config.docker_apt_channel,
        signed_by=KEYRING,
    )


def inside(cluster: Cluster) -> list[str]:
    """The networks that Docker reaches past the proxy: the hosts', pods and services.

    Hosts are named by networks of 256 addresses, so that a new worker seldom changes the file, which takes a restart.
    """
    beginnings = {one.address.rpartition(".")[0] for one in (*cluster.masters, *cluster.workers)}
    hosts = sorted(IPv4Network(f"{beginning}.0/24") for beginning in beginnings)
    config = cluster.config
    return [*map(str, hosts), config.kube_pods_subnet, config.kube_service_addresses]


def options(config: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    """daemon.json's keys from the config: those the operator chose, and defaults that give way to what a host has."""
    logs = {"max-size": config.docker_log_max_size, "max-file": str(config.docker_log_max_file)}
    by_key: dict[str, dict[str, Any]] = {
        "docker_data_root": {"data-root": config.docker_data_root},
        "docker_live_restore": {"live-restore": config.docker_live_restore},
        "docker_log_max_size": {"log-driver": "json-file", "log-opts": logs},
        "docker_log_max_file": {"log-driver": "json-file", "log-opts": logs},
        "docker_iptables_enabled": {"iptables": config.docker_iptables_enabled},
        "openpai_docker_insecure_registries": {"insecure-registries": config.openpai_docker_insecure_registries},
        "openpai_docker_registry_mirrors": {"registry-mirrors": config.openpai_docker_registry_mirrors},
    }
    chosen: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for key, values in by_key.items():
        target = chosen if key in config.model_fields_set else defaults
        target.update({name: value for name, value in values.items() if value not in (None, [])})
    return chosen, defaults
