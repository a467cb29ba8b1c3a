"""What a worker of hosts_fleet.py says of its GPUs."""

from __future__ import annotations

Said = tuple[int, str, str]  # exit status, standard output, standard error

GPU = "{index}, NVIDIA A100-SXM4-80GB, 535.183.01, 81920, Enabled, 00000000:{bus}:00.0"


def smi(*lines: str, status: int = 0) -> Said:
    """nvidia-smi's exit status and lines."""
    return status, "\n".join(lines), ""


def gpus(count: int = 2) -> list[str]:
    """Lines of `count` healthy GPUs, on the buses from 06 on."""
    return [GPU.format(index=index, bus=f"{6 + index:02x}") for index in range(count)]


GPUS_WELL: dict[str, Said] = {
    "bus": (0, "0000:06:00.0\n0000:07:00.0", ""),
    "nvidia-smi": smi(*gpus()),
    "nouveau": (0, "", ""),
    "loaded driver": (0, "535.183.01", ""),
    "installed driver": (0, "535.183.01", ""),
    "next kernel": (0, "5.15.0-130-generic 535.183.01", ""),
    "gpu state": (0, "00000000:06:00.0, 0, [N/A], Not Active, Not Active", ""),
    "gpu memory": (0, "00000000:06:00.0, No, No", ""),
    "gpu lanes": (0, "0000:06:00.0 16 16\n0000:07:00.0 16 16", ""),
    "gpu errors": (0, "NVRM: Xid (PCI:0000:06:00): 31", ""),
    "cuda": (0, "cuInit 0, 2 GPUs", ""),
    "switches": (0, "", ""),
    "fabric manager": (127, "", "nv-fabricmanager: not found"),
    "fabric service": (3, "inactive", ""),
    "fabric hold": (1, "", ""),
}
"""The answers of a worker whose GPUs are well, by probe."""
