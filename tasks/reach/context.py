"""Which cluster, config and role a pyinfra host belongs to: the bridge between pyinfra and the pure domain."""

from functools import lru_cache
from pathlib import Path

from pyinfra.api import Host as PyinfraHost

from cluster import Cluster, Config, Host, Role, load


@lru_cache
def _load(folder: str) -> Cluster:
    return load(Path(folder))


def cluster_of(host: PyinfraHost) -> Cluster:
    """The cluster of `host`, read once a run; only the folder's path travels in host data, never a secret."""
    return _load(host.data.cluster_folder)


def config_of(host: PyinfraHost) -> Config:
    """The config of the cluster of `host`."""
    return cluster_of(host).config


def role_of(host: PyinfraHost) -> Role:
    """The role of `host`."""
    return Role(host.data.role)


@lru_cache
def _hosts(folder: str) -> dict[tuple[Role, str], Host]:
    return {(one.role, one.address): one for one in _load(folder).hosts}


def cluster_host(host: PyinfraHost) -> Host:
    """`host` as the cluster folder describes it."""
    return _hosts(host.data.cluster_folder)[role_of(host), host.data.address]


def disruption_allowed(host: PyinfraHost) -> bool:
    """The operator's word that running containers may be stopped: the config's, or --data allow_disruption=yes."""
    return config_of(host).allow_disruption or str(host.data.get("allow_disruption", "no")).lower() in ("yes", "true")
