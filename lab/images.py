"""Container images without a Docker daemon: OCI layouts made from a directory, and pushing them to a lab's registry."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

from lab import apt, cache
from lab.settings import REGISTRY_PORT
from lab.shell import run
from lab.state import LabState

HELLO = "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n"


def build(target: Path, root: Path, config: dict[str, object]) -> None:
    """Write an OCI image layout of one layer, the tree `root`, to `target`; `config` is the image's: Cmd, Env."""
    blobs = target / "blobs/sha256"
    blobs.mkdir(parents=True)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(root, arcname=".", filter=_owned_by_root)
    layer = buffer.getvalue()
    platform = {"architecture": run("dpkg", "--print-architecture").stdout.strip(), "os": "linux"}
    diff = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    image = {**platform, "config": config, "rootfs": {"type": "layers", "diff_ids": [diff]}}
    media = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "config": _blob(blobs, json.dumps(image).encode(), f"{media}.config.v1+json"),
        "layers": [_blob(blobs, layer, f"{media}.layer.v1.tar")],
    }
    index = {
        "schemaVersion": 2,
        "manifests": [_blob(blobs, json.dumps(manifest).encode(), f"{media}.manifest.v1+json")],
    }
    (target / "index.json").write_text(json.dumps(index))
    (target / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def push(lab: LabState, layout: Path, name: str) -> None:
    """Put an OCI layout into the lab's registry as `name`, a repository with its tag."""
    run(
        "skopeo", "--insecure-policy", "copy", "--quiet", "--format=v2s2", "--dest-tls-verify=false",
        f"oci:{layout}", f"docker://{lab.gateway}:{REGISTRY_PORT}/{name}",
    )  # fmt: skip


def push_standard(lab: LabState) -> None:
    """Offer busybox and hello-world, both by the lab's registry's name and as a mirror of Docker Hub."""
    for name, layout in _standard().items():
        push(lab, layout, f"{name}:latest")
        push(lab, layout, f"library/{name}:latest")


def _standard() -> dict[str, Path]:
    """The layouts of busybox and hello-world, from the machine's own busybox-static package."""
    folder = cache.ensure("images", (HELLO, apt.os_release()["VERSION_CODENAME"]), _build_standard)
    return {name: folder / name for name in ("busybox", "hello-world")}


def _build_standard(draft: Path) -> None:
    suite = apt.os_release()["VERSION_CODENAME"]
    package = apt.download(suite, ["busybox-static"], draft / "debs")["busybox-static"]
    root = draft / "root"
    for part in ("bin", "etc", "tmp", "root"):
        (root / part).mkdir(parents=True)
    run("dpkg-deb", "--extract", package, draft / "package")
    shutil.copy(next((draft / "package").glob("**/bin/busybox")), root / "bin/busybox")
    for applet in run(root / "bin/busybox", "--list").stdout.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    build(draft / "busybox", root, {"Cmd": ["sh"], "Env": ["PATH=/bin"]})
    (root / "hello").write_text(HELLO)
    build(draft / "hello-world", root, {"Cmd": ["/bin/cat", "/hello"], "Env": ["PATH=/bin"]})


def _blob(blobs: Path, content: bytes, media: str) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)}


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
