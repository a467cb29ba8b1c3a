"""internal-storage's stand-ins: `create` makes /paiInternal/storage, `barrier` waits for nothing, `delete` removes it.

Upstream mounts a file of QUOTA_GB there through a loop device, which a lab host has not: here it is a folder beside an
empty file of the same name. Whether the disk has that much room is asked, and told in upstream's words."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from . import fault

ROOT = Path("/paiInternal")
BARRIER = Path("/paiInternalStorage/READY")
DELETED = Path("/DELETED")


def create(root: Path, quota_gb: int) -> bool:
    """Make the storage unless it is there; False when the disk has no room for it."""
    image, ready = root / "storage.ext4", root / "storage/READY"
    if image.exists():
        print("Skip storage.ext4 creation.", flush=True)
    else:
        print(f"Creating storage.ext4 of {quota_gb}G, please wait...", flush=True)
        if shutil.disk_usage(root).free < quota_gb * 2**30:
            print("allocation failed!", flush=True)
            return False
        image.touch()
    ready.parent.mkdir(exist_ok=True)
    ready.touch()
    return True


def delete(root: Path) -> None:
    """Remove the storage and all that is in it."""
    shutil.rmtree(root / "storage", ignore_errors=True)
    (root / "storage.ext4").unlink(missing_ok=True)


def main() -> None:
    """Do one of the three."""
    fault.begin()
    part = sys.argv[1]
    if part == "barrier":
        sys.exit(0 if BARRIER.exists() else 1)
    if part == "delete":
        delete(ROOT)
        DELETED.touch()
    while part == "create" and create(ROOT, int(os.environ["QUOTA_GB"])):
        time.sleep(60)
        if not (ROOT / "storage/READY").exists() or not (ROOT / "storage.ext4").exists():
            sys.exit("Cannot find storage/READY! Abort.")
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
