"""What disturbs the pods of nodes: Docker, the GPU driver, the container runtime; a few nodes at a time."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks import docker, gpu, kubernetes
from tasks.reach import config_of, refused, role_of
from tasks.systemd import reboot_for

UNKNOWN = (
    "config.yaml says installer: none, so nothing here knows how to drain the nodes of this cluster: drain them by its "
    "own means, and deploy with --data allow_disruption=yes"
)


@deploy("Rolling change")
def change() -> None:
    """Bring Docker, driver and container toolkit of nodes to what the config says: a canary, then batches.

    With --data kernel=next a node reboots, too, where another kernel is installed than the one that runs.
    """
    if config_of(host).installer != "none":
        kubernetes.roll(due, converge)
    elif role_of(host) is Role.MASTER:
        refused(name="Nodes of another installer", message=UNKNOWN, cause="other-installer")


def due() -> list[str]:
    """What is due on this host, in words."""
    kernel = gpu.later_kernel() if _kernel_wanted() else None
    return [*docker.due(), *(gpu.due() if role_of(host) is Role.WORKER else []), *([kernel] if kernel else [])]


def _kernel_wanted() -> bool:
    return host.data.get("kernel") == "next"


def converge() -> None:
    """What may disturb a host's pods, and the proof that it works."""
    docker.install()
    if _kernel_wanted():
        # Before the driver: NVIDIA's runfile installs it for the running kernel.
        reboot_for(name="Reboot where another kernel boots next", cause=gpu.later_kernel)
    if role_of(host) is Role.WORKER:
        gpu.install_driver()
        gpu.install_runtime()
        gpu.show_in_container()
