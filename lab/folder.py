"""The cluster folder of a lab: the guide's three files with the lab's addresses, and the inventory beside them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import yaml

from lab import gpu, repository
from lab.settings import CUDA_IMAGE, PROJECT, PROXY_PORT, REGISTRY_PORT, USER, WEB_PORT
from lab.shell import LabError
from lab.state import LabState

MARK = ".lab"
"""A file in the folder that says the lab may replace and remove it."""
INVENTORY = '''"""The rehearsal lab {name}: the folder beside this file as pyinfra groups."""

from tasks.inventory import groups

dev_box, master, worker = groups(__file__)
'''


def default(name: str) -> Path:
    """Where a lab's cluster folder goes when nothing else is asked for."""
    return PROJECT / "inventories" / name


def inventory(lab: LabState) -> Path:
    """The pyinfra inventory file of the lab."""
    return Path(lab.folder).with_suffix(".py")


def check(folder: Path) -> None:
    """Refuse a folder that holds somebody's cluster, before anything is made."""
    if folder.exists() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise LabError(f"{folder} holds files that no lab made; remove it or choose another --folder")


def write(lab: LabState) -> None:
    """Write master.csv, worker.csv and config.yaml (0600), and the inventory file when there is none."""
    folder = Path(lab.folder)
    check(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    for role in ("master", "worker"):
        rows = [f"{host.name},{host.address}\n" for host in lab.hosts if host.role == role]
        _put(folder / f"{role}.csv", "".join(rows), 0o644)
    _put(folder / "config.yaml", yaml.safe_dump(config(lab), sort_keys=False), 0o600)
    if not inventory(lab).exists():
        _put(inventory(lab), INVENTORY.format(name=lab.name), 0o644)


def remove(lab: LabState) -> None:
    """Remove the folder and the inventory file, if they are the lab's."""
    folder = Path(lab.folder)
    if (folder / MARK).exists():
        shutil.rmtree(folder)
    if inventory(lab).is_file() and inventory(lab).read_text() == INVENTORY.format(name=lab.name):
        inventory(lab).unlink()


def config(lab: LabState) -> dict[str, object]:
    """The config of a lab: the guide's keys, and the lab's services where a production config names the vendor's."""
    proxy = f"http://{lab.gateway}:{PROXY_PORT}"
    web = f"http://{lab.gateway}:{WEB_PORT}"
    registry = f"{lab.gateway}:{REGISTRY_PORT}"
    dev_box = next(host for host in lab.hosts if host.role == "dev_box")
    return {
        "user": USER,
        "password": lab.password,
        "branch_name": "pai-1.0.y",
        "docker_image_tag": "v1.0.0",
        "dev_box": dev_box.address,
        "http_proxy": proxy,
        "https_proxy": proxy,
        "no_proxy": ["localhost", "127.0.0.1", lab.network, lab.gateway, *(host.address for host in lab.hosts)],
        "docker_apt_mirror": f"{web}/docker",
        "docker_apt_key_fingerprint": repository.fingerprint(),
        "openpai_docker_insecure_registries": [registry],
        "openpai_docker_registry_mirrors": [f"http://{registry}"],
        "ntp_servers": [lab.gateway],
        **gpu.config(lab),
        "cuda_image": f"{registry}/{CUDA_IMAGE}",
        # A lab host sees the machine's memory, which need not be a cluster's.
        "master_min_memory_mb": 1024,
        "worker_min_memory_mb": 1024,
    }


def _put(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    draft.rename(path)
