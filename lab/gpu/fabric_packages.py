"""The fabric manager's packages, as NVIDIA's CUDA repository has them: one for each version of the driver."""

from __future__ import annotations

from collections.abc import Iterator

from lab.deb import Package
from lab.gpu import debian_packages, driver, driver_packages


def fabric_managers() -> Iterator[Package]:
    """nvidia-fabricmanager-BRANCH for each driver that the lab has; a branch's newest is not always the right one."""
    for upstream in sorted({*driver.RUNFILE_VERSIONS, *debian_packages.VERSIONS, *driver_packages.UBUNTU}):
        name = f"nvidia-fabricmanager-{upstream.split('.')[0]}"
        source = driver.files(upstream)
        yield Package(
            name,
            f"{upstream}-1",
            relations={"Source": name.removeprefix("nvidia-")} | dict.fromkeys(_RELATIONS, "nvidia-fabricmanager"),
            files={
                "usr/bin/nv-fabricmanager": source / "nv-fabricmanager",
                "usr/lib/systemd/system/nvidia-fabricmanager.service": source / "nvidia-fabricmanager.service",
            },
        )


_RELATIONS = ("Provides", "Conflicts", "Replaces")
