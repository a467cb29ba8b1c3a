"""The end of the guide: OpenPAI's services on the cluster, by its own paictl on the dev box."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from cluster.openpai import commit
from tasks import apt, git
from tasks.kubernetes import program
from tasks.openpai.operations import configuration, environment, services, told
from tasks.openpai.operations.paictl import Paictl
from tasks.reach import cluster_of, config_of, role_of
from tasks.ssh import Account


@deploy("OpenPAI")
def install() -> None:
    """On the dev box: the source, the configuration from measured hardware, the services; then how to get in."""
    if not config_of(host).openpai or role_of(host) is not Role.DEV_BOX:
        return
    paictl = the_paictl()
    prepare(paictl)
    services.of_this_version(name="OpenPAI's version stays", paictl=paictl)
    configuration.written(name="OpenPAI's configuration, from measured hardware", paictl=paictl, _sudo=False)
    configuration.pushed(name="The cluster has the configuration", paictl=paictl)
    services.running(name="OpenPAI's services run", paictl=paictl)
    told.how_to_get_in(name="How to get in", paictl=paictl)


def the_paictl() -> Paictl:
    """paictl of this dev box."""
    user, home = host.get_fact(Account, _sudo=False)
    return Paictl(cluster_of(host), user, f"{home}/pai-deploy")


def prepare(paictl: Paictl) -> None:
    """What paictl needs on the dev box: kubectl, OpenPAI's source at its commit, and Python 2.7 where it is used."""
    config = paictl.cluster.config
    program("kubectl", config)
    apt.packages(name="Git", names=["git"], hold=False)
    git.checked_out(
        name="OpenPAI's source at its commit",
        folder=f"{paictl.folder}/pai",
        repository=config.openpai_repository,
        commit=commit(config) or "",
        bundle=config.openpai_bundle,
        _env=git.proxies(config),
        _sudo=False,
    )
    if config.paictl == "python2":
        apt.packages(
            name="What paictl's environment is made with, and GNU parallel, which its scripts call",
            names=["python3-venv", "parallel"],
            hold=False,
        )
        environment.by_python2(
            name="paictl's environment of Python 2.7",
            folder=f"{paictl.folder}/paictl-venv",
            python=config.paictl_python,
            _env=git.proxies(config),
            _sudo=False,
        )
