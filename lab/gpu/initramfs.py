"""What a kernel's package leaves in /boot, so that the host's own update-initramfs has something to rebuild."""

from __future__ import annotations

import gzip
from pathlib import Path

from lab.files import put


def install(root: Path, release: str, files: dict[str, bytes]) -> None:
    """Put a kernel of that release on the disk `root`, with an initramfs that holds `files`.

    The image is of the real format but holds nothing else: its modprobe.d is all that the stand-in kernel reads of it.
    """
    put(root / f"boot/vmlinuz-{release}", b"")
    put(root / f"boot/config-{release}", b"CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n")
    put(root / f"boot/initrd.img-{release}", gzip.compress(archive(files)))


def archive(files: dict[str, bytes]) -> bytes:
    """A cpio archive in the format that the kernel reads ("newc"), with the folders of the files."""
    folders = sorted({str(parent) for name in files for parent in Path(name).parents} - {"."})
    entries = [(name, 0o40755, b"") for name in folders] + [(name, 0o100644, files[name]) for name in files]
    packed = b"".join(_entry(number, *entry) for number, entry in enumerate(entries, start=1))
    return packed + _entry(0, "TRAILER!!!", 0, b"")


def _entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """A header of 13 numbers, from inode and mode to the length of the name, then the name and the content."""
    numbers = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = "070701" + "".join(f"{value:08x}" for value in numbers)
    return _padded(header.encode() + name.encode() + b"\0") + _padded(content)


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (-len(text) % 4)
