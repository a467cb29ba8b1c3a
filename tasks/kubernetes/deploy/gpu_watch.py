"""A worker that looks at its own GPUs, and takes its node out of service where one is off the bus."""

from pyinfra import host
from pyinfra.api import deploy

from tasks import gpu, systemd
from tasks.kubernetes.facts.node import GPU_WATCH, WatchedGpus
from tasks.reach import FILES, cluster_host, config_of, put, render

PROGRAM = "/usr/local/sbin/openpai-gpu-health"
TIMER = GPU_WATCH.replace(".service", ".timer")


@deploy("Kubernetes, watch over GPUs")
def watched() -> None:
    """A timer that has the node's condition GPUHealthy say how its GPUs are; a GPU that is gone cordons the node.

    What a boot or a fault has taken off the bus is still missed after this: the most that a deploy has found counts.
    """
    vendor = gpu.vendor(config_of(host))
    if vendor is None:
        return
    gpus = max(len(host.get_fact(vendor.bus)), host.get_fact(WatchedGpus))
    put(name="GPU health: program", content=FILES / "kubernetes/gpu-health", dest=PROGRAM, mode="755")
    service = render("kubernetes/gpu-health.service.j2", node=cluster_host(host).name, gpus=gpus)
    put(name="GPU health: unit", content=service, dest=GPU_WATCH)
    put(name="GPU health: timer", content=FILES / "kubernetes/gpu-health.timer", dest=TIMER)
    units = [path.rpartition("/")[2] for path in (TIMER, GPU_WATCH)]
    systemd.scheduled(name="GPU health: looked after", timer=units[0], service=units[1], files=[TIMER])
