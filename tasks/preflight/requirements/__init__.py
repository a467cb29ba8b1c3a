"""What hosts must be and have, a module a kind; each requirement is one function."""

from tasks.preflight.model import Requirement
from tasks.preflight.requirements import across, gpus, images, machine, openpai, reachability, sku, software

REQUIREMENTS: tuple[Requirement, ...] = (
    *machine.ALL,
    *sku.ALL,
    *software.ALL,
    *gpus.ALL,
    *openpai.ALL,
    *reachability.ALL,
    *images.ALL,
    *across.ALL,
)
