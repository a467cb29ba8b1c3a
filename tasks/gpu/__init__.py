"""GPUs of workers: NVIDIA's driver, and the container runtime."""

from tasks.gpu.changes_due import due, later_kernel
from tasks.gpu.deploy import install_driver, install_runtime, show_in_container
from tasks.gpu.driver_policy import HEADERS, SECURE_BOOT, refusals
from tasks.gpu.facts import (
    MINIMUM,
    TIMED_OUT,
    DriverState,
    GpuHealth,
    NvidiaDriver,
    NvidiaHealth,
    NvidiaSmi,
    SmiReport,
    ailments,
    defects,
    describe,
    faults,
    unsafe,
)
from tasks.gpu.kernel_policy import built_by_dkms, next_boot
from tasks.gpu.vendors import Vendor, vendor
