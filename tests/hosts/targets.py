"""Which hosts are verified, by which tests: the cluster folder of --inventory, narrowed by --role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import Cluster, ClusterError, Config, Host, Role, load

Applies = Callable[[Cluster, Host], bool]


def shown(path: Path) -> str:
    """`path` as a person would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@dataclass(frozen=True)
class Target:
    """One host under test, with the cluster it belongs to and the inventory file that names it."""

    host: Host
    cluster: Cluster
    inventory: Path

    @property
    def name(self) -> str:
        """The host's name in the inventory."""
        return self.host.name

    @property
    def config(self) -> Config:
        """The cluster's config."""
        return self.cluster.config

    @property
    def deploy(self) -> str:
        """The command that converges the cluster, for messages."""
        return f"`pyinfra {shown(self.inventory)} deploy.py`"


def applies_to(predicate: Applies) -> pytest.MarkDecorator:
    """The mark of a test for the hosts for which `predicate` is true, in a cluster like theirs."""
    return pytest.mark.applies_to.with_args(predicate)


def every_host(cluster: Cluster, host: Host) -> bool:
    """Dev box, masters and workers."""
    return True


def masters_and_workers(cluster: Cluster, host: Host) -> bool:
    """The hosts that the dev box controls."""
    return host.role is not Role.DEV_BOX


def reached_by_ssh(cluster: Cluster, host: Host) -> bool:
    """All but a dev box that is this machine."""
    return not host.is_local


def users_sudo(cluster: Cluster, host: Host) -> bool:
    """All, unless the config's user is root, who needs no sudo."""
    return cluster.config.user != "root"


def docker_hosts(cluster: Cluster, host: Host) -> bool:
    """Dev box and workers; a master where Kubernetes needs Docker."""
    return host.role is not Role.MASTER or cluster.config.installer != "none"


def docker_package_hosts(cluster: Cluster, host: Host) -> bool:
    """Those whose Docker the deploy brings: a dev box keeps the one that it has, until docker_version is set."""
    return docker_hosts(cluster, host) and (host.role is not Role.DEV_BOX or cluster.config.docker_version is not None)


def ntp_hosts(cluster: Cluster, host: Host) -> bool:
    """The hosts whose clock the deploy looks after, by the config's ntp_hosts."""
    return cluster.config.ntp_hosts == "all" or host.role is Role.MASTER


def nvidia_workers(cluster: Cluster, host: Host) -> bool:
    """Workers, where the cluster's GPUs are NVIDIA's."""
    return host.role is Role.WORKER and cluster.config.gpu_type == "nvidia"


def read(inventory: str | None, role: str | None) -> tuple[Target, ...]:
    """Every host of the folder named like the file `inventory`, or those of `role`; else pytest.UsageError."""
    if not inventory:
        raise pytest.UsageError("say which cluster: pytest tests/hosts --inventory inventories/prod.py")
    file = Path(inventory).resolve()
    folder = file.with_suffix("")
    if file.suffix != ".py" or not file.is_file():
        hint = f"did you mean {inventory.rstrip('/')}.py?" if Path(f"{folder}.py").is_file() else "name the .py file"
        raise pytest.UsageError(f"--inventory {inventory}: not an inventory file; {hint}")
    if not folder.is_dir():
        raise pytest.UsageError(
            f"--inventory {inventory}: the cluster folder {shown(folder)} does not exist; "
            f"make it with: python -m cluster init {shown(folder)}"
        )
    try:
        cluster = load(folder)
    except ClusterError as error:
        raise pytest.UsageError(str(error)) from None
    found = tuple(Target(host, cluster, file) for host in cluster.hosts if role in (None, host.role.value))
    if not found:
        raise pytest.UsageError(f"--role {role}: {shown(folder)} has no such host")
    return found
