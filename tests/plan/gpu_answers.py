"""What a worker's driver fact answers, for the fake connector."""

from __future__ import annotations

from tests.sections import sections

_SECTIONS = {
    "kernel": "6.1.0-25-amd64", "compiler": "12", "os": "debian", "bus": "0000:00:06.0", "nouveau": "", "loaded": "",
    "installed": "", "signer": "", "record": "", "packages": "", "runfile": "", "under_way": "", "held": "",
    "unit": "inactive", "headers": "present", "secure_boot": "0", "at_work": "",
    "initramfs_tool": "/usr/sbin/update-initramfs", "stale": "", "switches": "", "fabric": "", "fabric_unit": "",
    "fabric_packages": "", "next": "6.1.0-25-amd64", "next_module": "", "dkms": "", "images": "", "header_packages": "",
}  # fmt: skip


def answer(**own: str) -> list[str]:
    """The driver fact's output with these sections in place of those of a worker without any driver."""
    assert own.keys() <= _SECTIONS.keys()
    return sections(**{**_SECTIONS, **own})


BARE = answer(nouveau="/sys/module/nouveau", stale="6.1.0-25-amd64")
RUNNING = answer(loaded="535.183.01", installed="535.183.01", next_module="535.183.01")
HGX = {
    "switches": "0000:05:00.0\n0000:06:00.0", "loaded": "535.183.01", "installed": "535.183.01",
    "next_module": "535.183.01",
}  # fmt: skip
SMI = sections(smi="0\n0, NVIDIA A100-SXM4-80GB, 535.183.01, 81920, Enabled, 00000000:00:06.0")
