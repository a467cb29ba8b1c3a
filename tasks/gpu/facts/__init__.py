"""GPUs and their driver, as a host has them."""

from tasks.gpu.facts.driver import DriverState, NvidiaDriver, parse_driver_state
from tasks.gpu.facts.gpus import TIMED_OUT, NvidiaBus, NvidiaSmi, SmiReport, describe, faults, parse_smi

__all__ = [
    "TIMED_OUT",
    "DriverState",
    "NvidiaBus",
    "NvidiaDriver",
    "NvidiaSmi",
    "SmiReport",
    "describe",
    "faults",
    "parse_driver_state",
    "parse_smi",
]
