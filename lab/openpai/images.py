"""OpenPAI's images: the lab's own programs under the names of the real ones, all on one base layer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import apt, cache, kubernetes, oci
from lab import images as standard
from lab.files import put
from lab.openpai import git
from lab.settings import CACHE
from lab.shell import run

NAMESPACE = "openpai"
FAULTS = ("crash", "unready")
"""What services/fault.py knows; for each, every image has a variant beside the good one."""
FIXED = {
    "frameworkcontroller": "frameworkcontroller/frameworkcontroller:v0.9.0",
    "hivedscheduler": "hivedscheduler/hivedscheduler:v0.3.4",
}
"""Images whose names do not follow the tag, by the service that they are of."""

PACKAGES = ["openssh-client", "python3-minimal", "libpython3-stdlib", "python3-jinja2", "python3-yaml", "tar"]
"""What OpenPAI's images have beyond a CUDA image."""
FINISH = """
ln -sf python3 /usr/bin/python
rm -rf /usr/lib/python3*/test /usr/lib/python3*/lib2to3
python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/python3.*
"""

PROGRAMS = Path(__file__).parent / "services"
RUNTIME = Path(__file__).parent / "runtime"
# Until it is told to end: see services/fault.py.
IDLE = "trap 'exit 0' TERM; sleep infinity & wait"
DEV_BOX_START = """\
#!/bin/bash
# As upstream's: it tries to fetch OpenPAI's source, then is a shell, whatever command the container was given.
echo "Checkout to latest release tag"
cd / && exec /bin/bash
"""
MODULES = {
    "internal-storage-create": "internal_storage create",
    "internal-storage-barrier": "internal_storage barrier",
    "internal-storage-delete": "internal_storage delete",
    "postgresql": "database",
    "database-controller": "write_merger",
    "log-manager-cleaner": "log_manager cleaner",
    "log-manager-nginx": "log_manager nginx",
    "rest-server": "rest_server",
    "webportal": "webportal",
    "pylon": "pylon",
}
"""Images that are a module of lab/openpai/services with its argument."""
SERVICES = {
    "internal-storage": ["internal-storage-create", "internal-storage-delete"],
    "postgresql": ["internal-storage-barrier", "postgresql", "postgresql-init-client"],
    "hivedscheduler": ["kube-scheduler"],
    "log-manager": ["log-manager-cleaner", "log-manager-nginx"],
    **{name: [name] for name in ("database-controller", "rest-server", "openpai-runtime", "webportal", "pylon")},
}
"""The images that follow the tag, by service."""


def ensure() -> Path:
    """The layout of all images, built when the cache lacks it; needs the lab's Kubernetes, whose kubectl is in one."""
    modules = [Path(module).read_bytes() for module in (__file__, standard.__file__, oci.__file__)]
    programs = [git.content(folder) for folder in (PROGRAMS, RUNTIME)]
    made_from = (modules, programs, git.TAGS, apt.system().codename, kubernetes.result())
    return cache.ensure("openpai-images", made_from, _build)


def names(tag: str) -> list[str]:
    """All images of a version, as they are named in a registry."""
    return [name for name in oci.names(ensure()) if name.endswith(f":{tag}")] + list(FIXED.values())


def of_service(service: str, tag: str) -> list[str]:
    """The images of a service; none for a service that runs nothing of its own."""
    fixed = [FIXED[service]] if service in FIXED else []
    return fixed + [f"{NAMESPACE}/{name}:{tag}" for name in SERVICES.get(service, [])]


def _build(layout: Path) -> None:
    made = oci.Layout(layout, apt.architecture())
    with TemporaryDirectory(dir=CACHE) as scratch:
        for image in _images(Path(scratch)):
            made.add(image)
            for fault in FAULTS:
                env = image.env | {"LAB_FAULT": fault}
                made.add(oci.Image(f"{image.name}-{fault}", image.layers, image.entrypoint, env, image.command))


def _images(work: Path) -> Iterator[oci.Image]:
    base = _base(work / "base")
    programs = work / "programs"
    shutil.copytree(PROGRAMS, programs / "usr/lib/openpai/services", ignore=shutil.ignore_patterns("__pycache__"))
    _script(programs / "postgresql_init/init_table.sh", "services.database check")
    run("chmod", "--recursive", "a+rX", programs)  # whatever the checkout's mask is
    below = [base, programs]
    layers = {}
    for name, path, module in (
        ("frameworkcontroller", "start.sh", "services.frameworkcontroller"),
        ("hivedscheduler", "start.sh", "services.hivedscheduler"),
        ("kube-scheduler", "usr/local/bin/kube-scheduler", "services.hivedscheduler scheduler"),
    ):
        layers[name] = [*below, work / name]
        _script(work / name / path, module)
    for service, image in FIXED.items():
        yield _image(image, layers[service], [])
    box, runtime = work / "dev-box", work / "runtime"
    put(box / "usr/local/start-script.sh", DEV_BOX_START.encode(), 0o755)
    kubectl = next((kubernetes.result() / "release").glob("*/bin/linux/*/kubectl"))
    put(box / "usr/local/bin/kubectl", kubectl.read_bytes(), 0o755)
    for program in RUNTIME.iterdir():
        put(runtime / "kube-runtime" / program.name, program.read_bytes(), 0o755)
    for tag in git.TAGS:
        for name, module in MODULES.items():
            entrypoint = ["python3", "-m", *f"services.{module}".split()]
            yield _image(f"{NAMESPACE}/{name}:{tag}", below, entrypoint, tag)
        yield _image(f"{NAMESPACE}/postgresql-init-client:{tag}", below, ["sh", "-c", IDLE], tag)
        yield _image(f"{NAMESPACE}/kube-scheduler:{tag}", layers["kube-scheduler"], [], tag)
        yield _image(f"{NAMESPACE}/openpai-runtime:{tag}", [base, runtime], ["/kube-runtime/init"], tag)
        yield _image(f"{NAMESPACE}/dev-box:{tag}", [base, box], ["/usr/local/start-script.sh"], tag)


def _script(path: Path, module: str) -> None:
    put(path, f"#!/bin/sh\nexec python3 -m {module}\n".encode(), 0o755)


def _image(name: str, layers: list[Path], entrypoint: list[str], tag: str = "") -> oci.Image:
    # The tag makes each image of a version another one: a test may take one away and leave the other.
    env = {"PYTHONPATH": "/usr/lib/openpai", "PYTHONUNBUFFERED": "1", "OPENPAI_TAG": tag}
    return oci.Image(name, layers, entrypoint, env)


def _base(root: Path) -> Path:
    standard.debian(root, [*standard.TOOLS, *PACKAGES])
    run("chroot", root, "/bin/bash", "-eu", stdin=FINISH)
    return root
