"""The images that every lab's registry offers from the start: busybox and hello-world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import apt, cache, oci
from lab.files import copy, link, put
from lab.settings import CACHE
from lab.shell import run
from lab.state import LabState

HELLO = "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n"
NAMES = ("busybox:latest", "hello-world:latest")


def push_standard(lab: LabState) -> None:
    """Offer busybox and hello-world, both by the lab's registry's name and as a mirror of Docker Hub."""
    layout = cache.ensure("images", made_from(), _build)
    for name in NAMES:
        oci.push(layout, name, lab.registry)
        oci.push(layout, name, lab.registry, pushed_as=f"library/{name}")


def made_from() -> list[str]:
    """What every image with this module's busybox depends on."""
    return [_suite(), *(Path(module).read_text() for module in (__file__, oci.__file__))]


def busybox(scratch: Path, applets: Sequence[str] = ()) -> Path:
    """A root directory below the empty `scratch`: the machine's own busybox-static with these applets, or with all."""
    package = apt.download(_suite(), ["busybox-static"], scratch / "debs")["busybox-static"]
    run("dpkg-deb", "--extract", package, scratch / "package")
    root = scratch / "root"
    copy(next((scratch / "package").glob("**/bin/busybox")), root / "bin/busybox")
    for applet in applets or run(root / "bin/busybox", "--list").stdout.split():
        if applet != "busybox":
            link(root / "bin" / applet, "busybox")
    return root


def _build(directory: Path) -> None:
    layout = oci.Layout(directory, apt.architecture())
    with TemporaryDirectory(dir=CACHE) as scratch:
        root, hello = busybox(Path(scratch)), Path(scratch, "hello")
        for name in ("tmp", "root"):
            (root / name).mkdir()
        put(root / "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        put(root / "etc/group", b"root:x:0:\n")
        put(hello / "hello", HELLO.encode())
        env = {"PATH": "/bin"}
        layout.add(oci.Image("busybox:latest", [root], env=env, command=["sh"]))
        layout.add(oci.Image("hello-world:latest", [root, hello], env=env, command=["/bin/cat", "/hello"]))


def _suite() -> str:
    return apt.os_release()["VERSION_CODENAME"]
