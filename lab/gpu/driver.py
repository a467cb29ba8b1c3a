"""The driver stand-in: its files, as NVIDIA's runfile, and as installed on a disk."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import tarfile
from pathlib import Path

from lab import cache, deb
from lab.files import put
from lab.shell import LabError, run

SOURCES = Path(__file__).parent / "driver"
CUDA = {"535": "12.2", "550": "12.4", "570": "12.8", "580": "13.0"}
"""The CUDA version that each driver branch reports, from NVIDIA's release notes."""
RUNFILE_VERSIONS = ("535.183.01", "550.54.14")
PROGRAMS = ("nvidia-smi", "nvidia-modprobe", "nvidia-persistenced", "nvidia-installer")
MODULES = ("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm")
LIBRARIES = {"libnvidia-ml": "libnvidia-ml.c", "libcuda": "libcuda.c"}
"""The driver's libraries, and what each is made of."""
FABRIC_MANAGER = ("nv-fabricmanager", "nvidia-fabricmanager.service")
"""What the fabric manager's package has; no file of the driver itself."""
LIBRARY_FOLDER = "usr/lib/x86_64-linux-gnu"


def files(version: str) -> Path:
    """A folder with every file of the driver of that version."""
    return cache.ensure(f"gpu-driver-{version}", content(SOURCES), lambda folder: _render(version, folder))


def runfile(version: str) -> Path:
    """NVIDIA-Linux-x86_64-VERSION.run; beside it lies its .sha256sum."""
    folder = cache.ensure(f"gpu-runfile-{version}", content(SOURCES), lambda folder: _pack(version, folder))
    return folder / f"NVIDIA-Linux-x86_64-{version}.run"


def install(version: str, root: Path) -> None:
    """Put the driver on the disk `root`, as the runfile leaves it."""
    source = files(version)
    modules = f"usr/lib/modules/{platform.release()}/kernel/drivers/video"
    targets = {f"usr/bin/{name}": name for name in PROGRAMS}
    targets |= {f"{LIBRARY_FOLDER}/{name}.so.{version}": f"{name}.so.{version}" for name in LIBRARIES}
    targets |= {f"{modules}/{name}.ko": f"{name}.ko" for name in MODULES}
    links = {"usr/bin/nvidia-uninstall": "nvidia-installer"}
    links |= {f"{LIBRARY_FOLDER}/{name}.so.1": f"{name}.so.{version}" for name in LIBRARIES}
    for target, name in targets.items():
        put(root / target, (source / name).read_bytes(), (source / name).stat().st_mode & 0o777)
    for target, name in links.items():
        (root / target).symlink_to(name)
    put(root / "var/lib/nvidia/log", "".join(f"/{name}\n" for name in [*targets, *links]).encode())


def content(folder: Path) -> list[bytes]:
    """What things made from the files of `folder` and from this package's modules depend on."""
    sources = (*sorted(folder.iterdir()), *sorted(Path(__file__).parent.glob("*.py")), Path(deb.__file__))
    return [platform.release().encode(), *(path.name.encode() + path.read_bytes() for path in sources)]


def module(name: str, license_name: str, version: str | None, path: Path) -> None:
    """Make the file of a kernel module that tells modinfo its name, licence and version, and holds nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    texts = {"NAME": name, "LICENSE": license_name, "VERSION": version, "RELEASE": platform.release()}
    defined = (f'-D{key}="{text}"' for key, text in texts.items() if text)
    run("gcc", "-c", *defined, "-o", path, SOURCES / "module.c")


def _render(version: str, folder: Path) -> None:
    branch = version.split(".")[0]
    if branch not in CUDA:
        raise LabError(f"driver {version}: the lab knows the branches {', '.join(CUDA)}")
    for name in (*PROGRAMS, *FABRIC_MANAGER, "nvidia-persistenced.service", "dkms.conf"):
        text = (SOURCES / name).read_text().replace("@VERSION@", version).replace("@CUDA@", CUDA[branch])
        put(folder / name, text.encode(), 0o755 if "." not in name else 0o644)
    for name in MODULES:
        module(name, "NVIDIA", version, folder / f"{name}.ko")
    for library, source in LIBRARIES.items():
        options = ("-shared", "-fPIC", f"-Wl,-soname,{library}.so.1", f'-DVERSION="{version}"')
        run("gcc", *options, "-o", folder / f"{library}.so.{version}", SOURCES / source)


def _pack(version: str, folder: Path) -> None:
    archive = _archive(files(version))
    header = (SOURCES / "runfile-header").read_text().replace("@VERSION@", version)
    header = header.replace("@SHA256@", hashlib.sha256(archive).hexdigest())
    header = header.replace("@LINES@", str(len(header.splitlines()) + 1))
    path = folder / f"NVIDIA-Linux-x86_64-{version}.run"
    put(path, header.encode() + archive, 0o755)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256sum").write_text(f"{checksum}  {path.name}\n")


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name)
    return buffer.getvalue()
