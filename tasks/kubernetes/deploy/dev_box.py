"""The cluster from the dev box: kubectl, and the kubeconfig where the guide has it."""

from pyinfra import host
from pyinfra.api import deploy

from tasks.kubernetes.deploy.node import know_the_api, program
from tasks.kubernetes.operations import kubeconfig
from tasks.reach import config_of
from tasks.ssh import Account


@deploy("Kubernetes, the dev box")
def establish() -> None:
    """kubectl, ~/pai-deploy/kube/config (0600, the user's)."""
    config = config_of(host)
    user, home = host.get_fact(Account, _sudo=False)
    know_the_api()
    program("kubectl", config)
    kubeconfig.handed_over(name="Kubeconfig in ~/pai-deploy/kube/config", folder=f"{home}/pai-deploy", owner=user)
