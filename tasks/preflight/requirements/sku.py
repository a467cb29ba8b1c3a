"""Requirements of an operator's layout.yaml (OpenPAI 1.5.0 and later): each machine is at least what its SKU says."""

from collections.abc import Iterable

from cluster import Problem
from cluster.kubernetes import parse_quantity
from tasks.preflight.model import CONTROLLED, Subject, each_host, shortfall
from tasks.preflight.requirements.machine import MB, resources

NVIDIA_DEVICE = "nvidia.com/gpu"


@each_host("layout", CONTROLLED, when=resources)
def layout(subject: Subject) -> Iterable[Problem]:
    """Memory and processors of the machine's SKU in layout.yaml, and exactly its number of GPUs."""
    plan, seen = subject.survey.layout, subject.seen
    machines = {machine.hostname: machine for machine in plan.machines} if plan else {}
    machine = machines.get(subject.host.name)
    if plan is None or machine is None:
        return
    sku, fix = plan.skus[machine.sku], f"correct machine-sku {machine.sku} in layout.yaml, or the machine"
    memory = int(parse_quantity(sku.mem))
    if seen.memory < memory:
        yield shortfall(f"{seen.memory // MB} MB of memory", f"{memory // MB} MB", fix)
    if seen.cpus < sku.cpu.vcore:
        yield shortfall(f"{seen.cpus} processors", str(sku.cpu.vcore), fix)
    if sku.device and sku.device.type == NVIDIA_DEVICE and len(seen.driver.bus) != sku.device.count:
        yield shortfall(f"{len(seen.driver.bus)} GPUs on the bus", str(sku.device.count), fix)


ALL = (layout,)
