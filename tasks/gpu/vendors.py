"""What Kubernetes and OpenPAI must know of a maker of GPUs; another maker is another value here."""

from collections.abc import Callable
from dataclasses import dataclass

from pyinfra.api import Host

from cluster import Config
from tasks.gpu.facts.gpus import NvidiaBus, NvidiaSmi
from tasks.reach import Fact, render


@dataclass(frozen=True)
class DevicePlugin:
    """The DaemonSet (in kube-system) by which nodes advertise their GPUs.

    `workload` and `pods` (its kind/name and its pods' label) are the maker's own, so that the maker's manifest, or
    OpenPAI's, replaces ours instead of running beside it; `container` is what its container's name begins with.
    """

    manifest: Callable[[Config], str]
    workload: str
    pods: str
    container: str


@dataclass(frozen=True)
class Vendor:
    """A maker of GPUs.

    `resource` is what a node advertises a GPU as, `bus` the fact of the GPUs on a host's PCI bus; `models` asks a host
    for their names. `job` are commands that show the GPUs that a job has, and `job_shows` is in what they print.
    """

    name: str
    resource: str
    bus: type[Fact[tuple[str, ...]]]
    models: Callable[[Host], set[str]]
    device_plugin: DevicePlugin
    job: tuple[str, ...]
    job_shows: str


NVIDIA = Vendor(
    name="NVIDIA",
    resource="nvidia.com/gpu",
    bus=NvidiaBus,
    models=lambda host: {gpu.name for gpu in host.get_fact(NvidiaSmi).gpus},
    device_plugin=DevicePlugin(
        manifest=lambda config: render("gpu/nvidia-device-plugin.yaml.j2", image=config.nvidia_device_plugin_image),
        workload="daemonset/nvidia-device-plugin-daemonset",
        pods="name=nvidia-device-plugin-ds",
        container="nvidia-device-plugin",
    ),
    job=("nvidia-smi -L", "nvidia-smi"),
    job_shows="GPU 0:",
)


def vendor(config: Config) -> Vendor | None:
    """The maker of the workers' GPUs; None where gpu_type names one that this software does not know."""
    return {"nvidia": NVIDIA}.get(config.gpu_type)
