"""Stand-ins for a worker's GPUs: what the lab calls when it makes hosts, and what tests call to break them.

A host sees its `gpu/` folder read-only as /opt/lab-gpu: its profile, and `kernel`, which plays the kernel's part.
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import apt, cache, deb, images, oci, process, repository, services
from lab import state as states
from lab.files import link, put, share_tree
from lab.gpu import debian_packages, driver, driver_packages, fabric_packages, initramfs, profile, toolkit
from lab.gpu.driver import RUNFILE_VERSIONS, runfile
from lab.gpu.profile import Profile
from lab.settings import CACHE, CUDA_IMAGE, WEB_PORT
from lab.shell import LabError
from lab.state import LabState
from lab.wait import wait_until

__all__ = [
    "RUNFILE_VERSIONS",
    "Profile",
    "config",
    "on_boot",
    "prepare",
    "publish",
    "push_image",
    "runfile",
    "set_profile",
]

PROGRAMS = Path(__file__).parent / "host"
BOOT_TIMEOUT = 180
"""Seconds that a host gets to show its GPUs; it needs two, and more on a machine with other work."""
UNIT = """\
[Unit]
Description=GPUs of the rehearsal lab
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/opt/lab-gpu/kernel boot
"""
DISPLAY_MANAGER = """\
[Unit]
Description=Light Display Manager

[Service]
ExecStartPre=/bin/ln -sf /bin/sleep /run/Xorg
ExecStart=/bin/sh -c 'echo $$$$ >/tmp/.X0-lock; ! [ -e /dev/nvidiactl ] || exec 3</dev/nvidiactl; exec /run/Xorg 9d'
ExecStopPost=/bin/rm -f /tmp/.X0-lock
"""


def prepare(host_dir: Path, given: str | None, distribution: str) -> None:
    """Give a new host its GPUs: fill `host_dir`/gpu and put on its disk what was there before the lab began.

    `given` is the name of a profile, JSON, or the path of a JSON file (see profile.parse); None makes no GPU worker.
    `distribution`, debian or ubuntu, is the host's: its driver packages are offered.
    """
    if given is None:
        return
    wanted = profile.parse(given)
    folder, root = host_dir / "gpu", host_dir / "upper"
    shutil.copytree(PROGRAMS, folder, symlinks=True, dirs_exist_ok=True)
    profile.write(wanted, folder)
    put(root / "etc/systemd/system/lab-gpu.service", UNIT.encode())
    link(root / "etc/systemd/system/sysinit.target.wants/lab-gpu.service", "/etc/systemd/system/lab-gpu.service")
    for program in (PROGRAMS / "sbin").iterdir():
        link(root / "usr/local/sbin" / program.name, f"/opt/lab-gpu/sbin/{program.name}")
    modules = root / "usr/lib/modules" / platform.release()
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        put(modules / name, b"")
    if wanted.nouveau:
        driver.module("nouveau", "GPL", None, modules / "kernel/drivers/gpu/drm/nouveau/nouveau.ko")
    blacklist = {}
    if wanted.driver_version:
        driver.install(wanted.driver_version, root)
        blacklist = {"etc/modprobe.d/nvidia-installer-disable-nouveau.conf": driver_packages.BLACKLIST.encode()}
    for name, content in blacklist.items():
        put(root / name, content)
    initramfs.install(root, platform.release(), blacklist)
    if wanted.display_manager:
        put(root / "usr/lib/systemd/system/lightdm.service", DISPLAY_MANAGER.encode())
        link(root / "etc/systemd/system/display-manager.service", "/usr/lib/systemd/system/lightdm.service")
    site = f"http://{states.need(host_dir.parent.parent.name).gateway}:{WEB_PORT}/distro"
    signed = "deb [signed-by=/usr/share/keyrings/lab-distro.asc]"
    offered = {distribution: True, "headers": wanted.headers, "cuda": wanted.nvswitches > 0}
    parts = [part for part, there in offered.items() if there]
    put(root / "usr/share/keyrings/lab-distro.asc", repository.armored_key().encode())
    sources = "".join(f"{signed} {site}/{part} /\n" for part in parts)
    put(root / "etc/apt/sources.list.d/lab-distro.list", sources.encode())


def on_boot(pid: int, host_dir: Path) -> None:
    """Wait until the host whose init is `pid` shows its GPUs, or has ended; LabError when it does not."""
    if not (host_dir / "gpu/profile").exists():
        return
    state = Path(f"/proc/{pid}/root/run/lab-gpu")
    wait_until(
        lambda: (state / "booted").exists() or (state / "failed").exists() or process.ended(pid),
        BOOT_TIMEOUT,
        f"{host_dir.name} shows no GPUs: see `journalctl -u lab-gpu` there",
        0.02,
    )
    if (state / "failed").exists():
        raise LabError(f"{host_dir.name} shows no GPUs: {(state / 'failed').read_text().strip()}")


def set_profile(host_dir: Path, **changes: object) -> Profile:
    """Change the profile of a host and return it; hardware and loaded modules change at its next boot."""
    present = profile.parse(str(host_dir / "gpu/profile.json"))
    changed = replace(present, **changes)  # type: ignore[arg-type]
    profile.write(changed, host_dir / "gpu")
    return changed


def publish(lab: LabState) -> None:
    """Serve the signed repositories and the runfiles on the lab's web server.

    /nvidia has the shape of https://nvidia.github.io/libnvidia-container; /distro/{debian,ubuntu} is what the
    distribution offers beyond the machine's own sources, /distro/headers the running kernel's headers and a later
    kernel, /distro/cuda what machines with NVSwitches need of NVIDIA's CUDA repository.
    """
    web = services.web_root(lab)
    web.mkdir(parents=True, exist_ok=True)
    made_from = (repository.fingerprint(), driver.content(driver.SOURCES), driver.content(toolkit.SOURCES))
    for name, source in {
        "distro": cache.ensure("gpu-distro", made_from, _build_distro),
        "nvidia": cache.ensure("gpu-nvidia", made_from, _build_nvidia),
    }.items():
        share_tree(source, web / name)


def config(lab: LabState) -> dict[str, object]:
    """What config.yaml needs so that the container toolkit comes from the lab."""
    return {
        "nvidia_toolkit_apt_mirror": f"http://{lab.gateway}:{WEB_PORT}/nvidia/stable/deb",
        "nvidia_toolkit_apt_key_fingerprint": repository.fingerprint(),
    }


def push_image(lab: LabState) -> None:
    """Put the CUDA check image into the lab's registry: a distribution's tools, a wish for GPUs, no nvidia-smi."""
    made_from = (Path(__file__).read_bytes(), images.made_from())
    layout = cache.ensure("gpu-cuda-image", made_from, _build_image)
    oci.push(layout, CUDA_IMAGE, lab.registry)


def _build_image(layout: Path) -> None:
    environment = {
        "PATH": "/usr/local/nvidia/bin:/usr/local/cuda/bin:" + oci.PATH,
        "CUDA_VERSION": "12.4.1",
        "NVIDIA_REQUIRE_CUDA": "cuda>=12.4",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }
    with TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch, "root")
        images.debian(root, images.TOOLS)
        oci.Layout(layout, apt.architecture()).add(oci.Image(CUDA_IMAGE, [root], command=["bash"], env=environment))


def _build_distro(folder: Path) -> None:
    for part, packages in {
        "debian": debian_packages.debian(),
        "ubuntu": driver_packages.ubuntu(),
        "headers": [*driver_packages.headers(), *driver_packages.later_kernel()],
        "cuda": fabric_packages.fabric_managers(),
    }.items():
        (folder / part).mkdir()
        repository.build_flat(folder / part, [deb.build(package, folder / part) for package in packages])


def _build_nvidia(folder: Path) -> None:
    flat = folder / "stable/deb/amd64"
    flat.mkdir(parents=True)
    repository.build_flat(flat, [deb.build(package, flat) for package in toolkit.packages()])
    (folder / "gpgkey").write_text(repository.armored_key())
    (folder / "runfile").mkdir()
    for version in RUNFILE_VERSIONS:
        for path in (runfile(version), runfile(version).with_name(f"{runfile(version).name}.sha256sum")):
            shutil.copy(path, folder / "runfile")
