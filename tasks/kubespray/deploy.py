"""Kubernetes by kubespray, the guide's own way: its pinned commit, run by Ansible on the dev box over the hosts."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from cluster.openpai import hosts_yml, openpai_yml
from tasks import apt, git
from tasks.kubespray import operations
from tasks.reach import cluster_of, config_of, put, role_of
from tasks.ssh import Account

# The last two releases that its old Ansible runs on, then the system's own.
PYTHONS = ["python3.9", "python3.8", "python3"]


@deploy("kubespray")
def install() -> None:
    """On the dev box: kubespray at its commit, its inventory from the cluster folder, cluster.yml, the kubeconfig."""
    config = config_of(host)
    if role_of(host) is not Role.DEV_BOX or config.installer != "kubespray":
        return
    user, home = host.get_fact(Account, _sudo=False)
    folder, proxies = f"{home}/pai-deploy", git.proxies(config)
    apt.packages(name="Git and Python's venv", names=["git", "python3-venv"], hold=False)
    git.checked_out(
        name="kubespray at its commit",
        folder=f"{folder}/kubespray",
        repository=config.kubespray_repository,
        commit=config.kubespray_commit,
        _env=proxies,
        _sudo=False,
    )
    operations.installed(
        name="What kubespray requires",
        folder=folder,
        pythons=[config.kubespray_python] if config.kubespray_python else PYTHONS,
        _env=proxies,
        _sudo=False,
    )
    hosts = hosts_yml(cluster_of(host), f"{home}/.ssh/id_ed25519", f"{home}/.ssh/known_hosts")
    variables = openpai_yml(config, [])
    for place in host.loop((f"{folder}/cluster-cfg", f"{folder}/kubespray/inventory/pai")):
        for name, text in host.loop((("hosts.yml", hosts), ("openpai.yml", variables))):
            title = f"{place.rpartition('/')[2]}/{name}"
            put(name=title, content=text, dest=f"{place}/{name}", mode="600", _sudo=False)
    operations.converged(
        name="cluster.yml has run for this inventory",
        folder=folder,
        user=user,
        home=home,
        commit=config.kubespray_commit,
        inputs=[hosts, variables],
    )
