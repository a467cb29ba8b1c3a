"""Workers of hosts_fleet.py whose GPUs say one thing differently."""

from __future__ import annotations

from tests.unit.hosts_fleet import fault
from tests.unit.hosts_gpus import Said, gpus, smi

HANGS: Said = (124, "", "")
NO_IMAGE: Said = (125, "", "docker: Error response from daemon: manifest unknown.")
GPU_ON_HOST = frozenset({"test_every_gpu_answers", "test_persistence_mode"})
GPU_LOST = "Unable to determine the device handle for GPU0000:07:00.0: GPU is lost. Reboot the system to recover it"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
NO_MEMORY = gpus()[1].replace("81920", "[N/A]")
OLD_DRIVER = gpus()[1].replace("535.183.01", "535.54.03")
NVRM: Said = (0, "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.183.01  Release Build", "no /sys/module")
OFF = gpus()[1].replace("Enabled", "Disabled")
NEXT_TEST = "test_the_next_boot_has_the_driver"
FABRIC_TEST, CUDA_TEST = "test_fabric_manager_is_the_drivers", "test_cuda_starts_in_a_container"
FABRIC: dict[str, Said] = {
    "switches": (0, "0000:05:00.0\n0000:06:00.0\n0000:07:00.0\n0000:08:00.0", ""),
    "fabric manager": (0, "Fabric Manager version is : 535.183.01", ""),
    "fabric service": (0, "active\nenabled", ""),
    "fabric hold": (0, "nvidia-fabricmanager-535", ""),
}

GPU_FAULTS = (
    fault("loaded-by-proc", "", **{"loaded driver": NVRM}),
    fault("no-gpu", "no NVIDIA GPU on the PCI bus", "test_every_gpu_answers", "test_container_sees_every_gpu",
          "test_cuda_starts_in_a_container", bus=(0, "", "")),
    fault("gpu-lost", "a GPU has fallen off the bus", *GPU_ON_HOST, **{"nvidia-smi": smi(GPU_LOST, status=15)}),
    fault("gpu-missing", "1 of the 2 GPUs on the PCI bus, missing 0000:07:00.0", "test_every_gpu_answers",
          **{"nvidia-smi": smi(*gpus(1))}),
    fault("gpu-memory", "reports no memory size ([N/A])", "test_every_gpu_answers",
          **{"nvidia-smi": smi(gpus()[0], NO_MEMORY)}),
    fault("smi-hangs", "nvidia-smi did not answer within 60 s", *GPU_ON_HOST, **{"nvidia-smi": smi(status=124)}),
    fault("smi-stuck", "nvidia-smi did not answer within 60 s", *GPU_ON_HOST, **{"nvidia-smi": HANGS}),
    fault("no-smi", "nvidia-smi is missing", *GPU_ON_HOST, **{"nvidia-smi": smi(status=127)}),
    fault("smi-mismatch", "driver/library version mismatch", *GPU_ON_HOST, **{"nvidia-smi": smi(MISMATCH, status=18)}),
    fault("other-driver", "runs driver 535.54.03, expected 535.183.01", "test_every_gpu_answers",
          **{"nvidia-smi": smi(gpus()[0], OLD_DRIVER)}),
    fault("no-persistence", "persistence mode off on GPU 1", "test_persistence_mode",
          **{"nvidia-smi": smi(gpus()[0], OFF)}),
    fault("nouveau", "the nouveau driver loaded", "test_nouveau_is_not_loaded", nouveau=(1, "", "")),
    fault("no-module", "needed a loaded NVIDIA driver", "test_installed_driver_is_loaded",
          loaded_driver=(1, "", "No such file or directory")),
    fault("other-module", "driver 535.183.01 loaded, 550.54.14 installed", "test_installed_driver_is_loaded",
          installed_driver=(0, "550.54.14", ""), next_kernel=(0, "5.15.0-130-generic 550.54.14", "")),
    fault("no-driver-in-next", "kernel 5.15.0-131-generic, which boots next, has no NVIDIA module", NEXT_TEST,
          **{"next kernel": (1, "5.15.0-131-generic", "modinfo: ERROR: Module nvidia not found.")}),
    fault("old-driver-in-next", "which boots next, has driver 525.60.13, not driver 535.183.01", NEXT_TEST,
          **{"next kernel": (0, "5.15.0-131-generic 525.60.13", "")}),
    fault("no-kernel-to-see", "", **{"next kernel": (0, "", "")}),
    fault("runc", "default runtime runc; needed nvidia", "test_default_runtime", default_runtime=(0, "runc", "")),
    fault("one-in-container", "1 GPUs in `docker run", "test_container_sees_every_gpu",
          container=(0, "GPU 0: NVIDIA A100-SXM4-80GB", "")),
    fault("spent", "has no memory left to remap; have the card replaced (RMA)", "test_no_gpu_has_to_be_replaced",
          **{"gpu memory": (0, "00000000:06:00.0, No, Yes", "")}),
    fault("ailing", "", **{
        "gpu state": (0, "00000000:06:00.0, 3, Yes, Active, Not Active", ""),
        "gpu memory": (0, "00000000:06:00.0, Yes, No", ""),
        "gpu lanes": (0, "0000:06:00.0 4 16", ""),
        "gpu errors": (0, "NVRM: Xid (PCI:0000:06:00): 79", "")}),
    fault("nvswitch", "", **FABRIC),
    fault("no-fabric-manager", "4 NVSwitches with driver 535.183.01 and fabric manager none", FABRIC_TEST, CUDA_TEST,
          **{**FABRIC, "fabric manager": (127, "", ""), "cuda": (1, "cuInit 802, 0 GPUs", "")}),
    fault("other-fabric-manager", "and fabric manager 535.54.03; needed a fabric manager of exactly", FABRIC_TEST,
          **{**FABRIC, "fabric manager": (0, "Fabric Manager version is : 535.54.03", "")}),
    fault("fabric-not-held", "the fabric manager not held", FABRIC_TEST, **{**FABRIC, "fabric hold": (1, "", "")}),
    fault("fabric-stopped", "the fabric manager ['failed', 'enabled']", FABRIC_TEST, CUDA_TEST,
          **{**FABRIC, "fabric service": (3, "failed\nenabled", ""), "cuda": (1, "cuInit 802, 0 GPUs", "")}),
    fault("cuda-802", "cuInit says 802 (system not yet initialized); the fabric manager has not joined", CUDA_TEST,
          cuda=(1, "cuInit 802, 0 GPUs", "")),
    fault("no-libcuda", "no answer of CUDA in a container (exit status 127", CUDA_TEST,
          cuda=(127, "", "error while loading shared libraries: libcuda.so.1: cannot open shared object file")),
    fault("one-in-cuda", "CUDA has 1 of 2 GPUs", CUDA_TEST, cuda=(0, "cuInit 0, 1 GPUs", "")),
    fault("no-image", "manifest unknown", "test_container_sees_every_gpu", "test_container_runs", container=NO_IMAGE),
    fault("container-hangs", "`container`: no answer within", "test_container_sees_every_gpu", "test_container_runs",
          container=HANGS),
)  # fmt: skip
