"""A later patch release of the lab's Kubernetes: the same programs, which call themselves by another version.

A second compilation would take minutes and differ in no other way: the version is a text that the linker puts in.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import apt, cache, oci, services
from lab.files import share, share_tree
from lab.kubernetes.builder import recipe, result
from lab.kubernetes.compile import COMMANDS, VERSION
from lab.state import LabState

LATER = "v1.20.3"


def publish(lab: LabState) -> None:
    """Offer the later release beside the first, on the lab's mirror and in its registry."""
    place = cache.ensure("kubernetes-later", (recipe(), Path(__file__).read_text()), _build)
    share_tree(place / "release" / LATER, services.web_root(lab) / "kubernetes/release" / LATER)
    for name in oci.names(place / "images"):
        oci.push(place / "images", name, lab.registry)


def _build(place: Path) -> None:
    assert len(LATER) == len(VERSION), "a text in a program is replaced by one of its length"
    folder = place / "release" / LATER / "bin/linux" / apt.architecture()
    folder.mkdir(parents=True)
    for name in COMMANDS:
        original = result() / "release" / VERSION / "bin/linux" / apt.architecture() / name
        content = _renamed(original.read_bytes())
        (folder / name).write_bytes(content)
        (folder / f"{name}.sha256").write_text(hashlib.sha256(content).hexdigest())
    _images(result() / "images", place / "images")


def _renamed(content: bytes) -> bytes:
    return content.replace(VERSION.encode(), LATER.encode())


def _images(source: Path, layout: Path) -> None:
    """The images that bear the version, their last layer (an archive that is not compressed) with the other one."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)
    shutil.copy(source / "oci-layout", layout / "oci-layout")
    entries = []
    for name, manifest in _versioned(source):
        *below, program = manifest["layers"]
        for layer in below:
            digest = layer["digest"].removeprefix("sha256:")
            share(source / "blobs/sha256" / digest, blobs / digest)
        config = json.loads(_blob(source, manifest["config"]["digest"]))
        manifest["layers"][-1] |= _written(blobs, _renamed(_blob(source, program["digest"])))
        config["rootfs"]["diff_ids"] = [layer["digest"] for layer in manifest["layers"]]
        manifest["config"] |= _written(blobs, json.dumps(config).encode())
        entry = {"mediaType": oci.MANIFEST, **_written(blobs, json.dumps(manifest).encode())}
        renamed = {"org.opencontainers.image.ref.name": name.replace(VERSION, LATER)}
        entries.append({**entry, "annotations": renamed})
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


def _versioned(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, digest in oci.names(source).items():
        if name.endswith(f":{VERSION}"):
            yield name, json.loads(_blob(source, digest))


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def _written(blobs: Path, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}
