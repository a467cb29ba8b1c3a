"""The cluster from the dev box: kubectl, and the kubeconfig where the guide has it."""

from pyinfra import host
from pyinfra.api import deploy

from tasks import preflight
from tasks.kubernetes.deploy.node import know_the_api, program
from tasks.kubernetes.operations import images, kubeconfig
from tasks.reach import config_of, role_of
from tasks.ssh import Account


@deploy("Kubernetes, the dev box")
def pull_ahead() -> None:
    """Begin to pull what the dev box runs later: while the cluster is made there is time for it."""
    _, home = host.get_fact(Account, _sudo=False)
    pulled = [one.name for one in preflight.pulled(config_of(host), role_of(host)) if one.deploy]
    path = f"{home}/pai-deploy/kube/config"
    images.pulled_before(name="Images are pulled meanwhile", kubeconfig=path, images=pulled)


@deploy("Kubernetes, the dev box")
def establish() -> None:
    """kubectl, ~/pai-deploy/kube/config (0600, the user's)."""
    config = config_of(host)
    user, home = host.get_fact(Account, _sudo=False)
    know_the_api()
    program("kubectl", config)
    kubeconfig.handed_over(name="Kubeconfig in ~/pai-deploy/kube/config", folder=f"{home}/pai-deploy", owner=user)
