"""A worker that looks at its own GPUs, and takes its node out of service where one is off the bus."""

from pyinfra import host
from pyinfra.api import deploy

from tasks import apt, gpu, systemd
from tasks.reach import FILES, cluster_host, config_of, put, render

PROGRAM = "/usr/local/sbin/openpai-gpu-health"
TIMER, SERVICE = "openpai-gpu-health.timer", "openpai-gpu-health.service"


@deploy("Kubernetes, watch over GPUs")
def watched() -> None:
    """A timer that has the node's condition GPUHealthy say how its GPUs are; a GPU that is gone cordons the node."""
    vendor, units = gpu.vendor(config_of(host)), "/etc/systemd/system"
    if vendor is None:
        return
    gpus = len(host.get_fact(vendor.bus))
    apt.packages(name="Program to tell the API server", names=["curl"], hold=False)
    put(name="GPU health: program", content=FILES / "kubernetes/gpu-health", dest=PROGRAM, mode="755")
    service = render("kubernetes/gpu-health.service.j2", node=cluster_host(host).name, gpus=gpus)
    put(name="GPU health: unit", content=service, dest=f"{units}/{SERVICE}")
    put(name="GPU health: timer", content=FILES / "kubernetes/gpu-health.timer", dest=f"{units}/{TIMER}")
    systemd.scheduled(name="GPU health: looked after", timer=TIMER, service=SERVICE, files=[f"{units}/{TIMER}"])
