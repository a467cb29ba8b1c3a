"""Container images without a container engine: directories become the layers of an OCI image layout.

https://github.com/opencontainers/image-spec/blob/v1.0.2/image-layout.md"""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.shell import run

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Image:
    """One image: its name in a registry, with its tag, the directories that are its layers, and how it starts."""

    name: str
    layers: list[Path]
    entrypoint: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)


class Layout:
    """An OCI image layout that is being written."""

    def __init__(self, directory: Path, architecture: str) -> None:
        self.directory = directory
        self.architecture = architecture
        self._layers: dict[Path, dict[str, Any]] = {}
        self._manifests: list[dict[str, Any]] = []
        (directory / "blobs/sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def add(self, image: Image) -> None:
        """Write an image; a directory that several images have as a layer is written once."""
        layers = [self._layer(directory) for directory in image.layers]
        env = {"PATH": PATH} | image.env
        config = {
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "Env": [f"{key}={value}" for key, value in env.items()],
                "Entrypoint": image.entrypoint,
                "Cmd": image.command,
            },
            # An uncompressed layer is its own diff: one digest serves as both.
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(config, "application/vnd.oci.image.config.v1+json"),
            "layers": layers,
        }
        entry = self._blob(manifest, MANIFEST)
        self._manifests.append(entry | {"annotations": {"org.opencontainers.image.ref.name": image.name}})
        (self.directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self._manifests}))

    def _layer(self, directory: Path) -> dict[str, Any]:
        if directory not in self._layers:
            draft = self.directory / "blobs" / "layer.tar"
            with tarfile.open(draft, "w") as archive:
                for path in sorted(directory.rglob("*")):
                    archive.add(path, path.relative_to(directory), recursive=False, filter=_plain)
            digest = hashlib.sha256(draft.read_bytes()).hexdigest()
            size = draft.stat().st_size
            draft.rename(self.directory / "blobs/sha256" / digest)
            # Not compressed: it is only ever sent over a bridge of this machine, where unpacking costs more.
            self._layers[directory] = _descriptor("application/vnd.oci.image.layer.v1.tar", digest, size)
        return self._layers[directory]

    def _blob(self, content: dict[str, Any], kind: str) -> dict[str, Any]:
        data = json.dumps(content, sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.directory / "blobs/sha256" / digest).write_bytes(data)
        return _descriptor(kind, digest, len(data))


def names(layout: Path) -> dict[str, str]:
    """Manifest digest by image name, of a finished layout."""
    index = json.loads((layout / "index.json").read_text())
    return {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in index["manifests"]}


def push(layout: Path, name: str, registry: str, pushed_as: str = "") -> None:
    """Copy an image of a layout into a registry that speaks plain HTTP (host:port), unless it is there already.

    It gets the name that it has in the layout, or that of `pushed_as`."""
    target = f"docker://{registry}/{pushed_as or name}"
    there = run("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", target, check=False)
    if there.stdout.strip() != names(layout)[name]:
        copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"]
        run(*copy, f"oci:{layout}:{name}", target)


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same file gives the same layer on every machine and day."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry
