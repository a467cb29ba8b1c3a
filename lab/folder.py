"""The cluster folder of a lab: the guide's three files with the lab's addresses, and the inventory beside them."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import yaml

from cluster.data import HERE
from lab import gpu, repository
from lab.settings import CUDA_IMAGE, DEV_BOX_BYTE, PROXY_PORT, USER, WEB_PORT
from lab.shell import LabError
from lab.state import LabState

MARK = ".lab"
"""A file in the folder that says the lab may replace and remove it."""
INVENTORY = '''"""The rehearsal lab {name}: the folder beside this file as pyinfra groups."""

from tasks.reach import groups

dev_box, master, worker = groups(__file__, made_by="python -m lab up --name {name}")
'''


def default(name: str) -> Path:
    """Where a lab's cluster folder goes when nothing else is asked for."""
    return HERE / "inventories" / name


def inventory(lab: LabState) -> Path:
    """The pyinfra inventory file of the lab."""
    return Path(lab.folder).with_suffix(".py")


def check(folder: Path) -> None:
    """Refuse a folder that holds somebody's cluster, before anything is made."""
    if folder.exists() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise LabError(f"{folder} holds files that no lab made; remove it or choose another --folder")


def make(lab: LabState) -> None:
    """Make the folder of a new lab afresh: config.yaml (0600) with a new password, and the inventory file."""
    folder = Path(lab.folder)
    check(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    (folder / MARK).touch()
    _write_config(folder, {"user": USER, "password": secrets.token_urlsafe(12), **config(lab)})
    if not inventory(lab).exists():
        _put(inventory(lab), INVENTORY.format(name=lab.name), 0o644)


def write_hosts(lab: LabState) -> None:
    """Write master.csv and worker.csv after the lab's hosts; config.yaml stays as it was made or edited."""
    for role in ("master", "worker"):
        rows = [f"{host.name},{host.address}\n" for host in lab.hosts if host.role == role]
        _put(Path(lab.folder) / f"{role}.csv", "".join(rows), 0o644)


def configure(lab: LabState, keys: dict[str, Any]) -> None:
    """Set keys of config.yaml; a value of None removes the key."""
    merged = {**_read_config(lab), **keys}
    _write_config(Path(lab.folder), {key: value for key, value in merged.items() if value is not None})


def password(lab: LabState) -> str:
    """The password in config.yaml, the only place that has it; LabError when it was taken out."""
    found = _read_config(lab).get("password")
    if not found:
        raise LabError(f"{lab.folder}/config.yaml has no password any more, and no other place had it")
    return str(found)


def remove(lab: LabState) -> None:
    """Remove the folder and the inventory file, if they are the lab's."""
    folder = Path(lab.folder)
    if (folder / MARK).exists():
        shutil.rmtree(folder)
    if inventory(lab).is_file() and inventory(lab).read_text() == INVENTORY.format(name=lab.name):
        inventory(lab).unlink()


def config(lab: LabState) -> dict[str, Any]:
    """A new lab's config: the guide's keys, and the lab's services where a production config names the vendor's."""
    proxy = f"http://{lab.gateway}:{PROXY_PORT}"
    web = f"http://{lab.gateway}:{WEB_PORT}"
    return {
        "branch_name": "pai-1.0.y",
        "docker_image_tag": "v1.0.0",
        "dev_box": lab.address(DEV_BOX_BYTE),
        "http_proxy": proxy,
        "https_proxy": proxy,
        "no_proxy": ["localhost", "127.0.0.1", lab.network, lab.gateway],
        "docker_apt_mirror": f"{web}/docker",
        "docker_apt_key_fingerprint": repository.fingerprint(),
        "openpai_docker_insecure_registries": [lab.registry],
        "openpai_docker_registry_mirrors": [f"http://{lab.registry}"],
        "ntp_servers": [lab.gateway],
        "cuda_image": f"{lab.registry}/{CUDA_IMAGE}",
        **gpu.config(lab),
        "installer": "none",
        "openpai": False,
        # A lab host sees the machine's memory and disk, which need not be a cluster's.
        "master_min_memory_mb": 1024,
        "worker_min_memory_mb": 1024,
        "docker_data_root_min_free_gb": 1,
        "var_min_free_gb": 1,
    }


def _read_config(lab: LabState) -> dict[str, Any]:
    path = Path(lab.folder) / "config.yaml"
    try:
        return dict(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise LabError(
            f"{path}: {error.strerror}; it held the lab's password, so make the lab anew: "
            f"python -m lab down --name {lab.name}, then up"
        ) from error


def _write_config(folder: Path, keys: dict[str, Any]) -> None:
    _put(folder / "config.yaml", yaml.safe_dump(keys, sort_keys=False), 0o600)


def _put(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    draft.rename(path)
