"""GPUs and their driver, as a host has them."""

from tasks.gpu.facts.driver import DriverState, NvidiaDriver
from tasks.gpu.facts.gpus import TIMED_OUT, NvidiaBus, NvidiaSmi, SmiReport, describe, faults
from tasks.gpu.facts.health import GpuHealth, NvidiaHealth, ailments, defects
from tasks.gpu.facts.toolkit import MINIMUM, unsafe
