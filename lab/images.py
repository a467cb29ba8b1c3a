"""The images that every lab's registry offers from the start, busybox and hello-world, and what others are made of."""

from __future__ import annotations

import os
import shutil
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
TOOLS = ["bash", "coreutils", "dash", "findutils", "grep", "mawk", "sed"]
"""What an image of a distribution has for scripts, and OpenPAI's runtime calls in every job."""
UNWANTED = ("usr/share/*", "usr/include", "usr/sbin", "var/*")
# What dpkg's scripts would have done; nothing of Debian's is configured. Without nsswitch.conf programs in Go ask DNS
# first, and wait 5 seconds for a server that is not there.
FINISH = """
ln -sf dash /bin/sh
ln -sf mawk /usr/bin/awk
printf 'root:x:0:0:root:/root:/bin/bash\\nnobody:x:65534:65534:nobody:/:/bin/false\\n' >/etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' >/etc/group
echo 'include /etc/ld.so.conf.d/*.conf' >/etc/ld.so.conf
echo 'hosts: files dns' >/etc/nsswitch.conf
mkdir -p /tmp /root /etc/ld.so.conf.d
chmod 1777 /tmp
"""


def push_standard(lab: LabState) -> None:
    """Offer busybox and hello-world, both by the lab's registry's name and as a mirror of Docker Hub."""
    layout = cache.ensure("images", made_from(), _build)
    for name in NAMES:
        oci.push(layout, name, lab.registry)
        oci.push(layout, name, lab.registry, pushed_as=f"library/{name}")


def made_from() -> list[str]:
    """What every image with this module's busybox depends on."""
    return [_suite(), *(Path(module).read_text() for module in (__file__, oci.__file__))]


def debian(root: Path, packages: Sequence[str]) -> None:
    """A root directory of the machine's own release with these packages, bash among them, and what they need."""
    sources = "\n".join(source.text() for source in apt.sources(_suite()))
    # Extracted, not installed: a container has no use for what Debian's scripts set up.
    bootstrap = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", f"--include={','.join(packages)}"]
    run("unshare", "--mount", *bootstrap, _suite(), root, "-", stdin=sources, env={**os.environ, "TMPDIR": str(CACHE)})
    for pattern in UNWANTED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    run("chroot", root, "/bin/bash", "-eu", stdin=FINISH)


def busybox(scratch: Path) -> Path:
    """A root directory below the empty `scratch`: the machine's own busybox-static with all of its applets."""
    package = apt.download(_suite(), ["busybox-static"], scratch / "debs")["busybox-static"]
    run("dpkg-deb", "--extract", package, scratch / "package")
    root = scratch / "root"
    copy(next((scratch / "package").glob("**/bin/busybox")), root / "bin/busybox")
    for applet in run(root / "bin/busybox", "--list").stdout.split():
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
    return apt.system().codename
