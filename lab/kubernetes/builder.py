"""Building the lab's Kubernetes: once a recipe, step by step, each step kept when the build is killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import apt, cache, oci
from lab.files import share
from lab.kubernetes import debian, images
from lab.kubernetes.compile import COMMANDS, GO_SOURCES, STAND_INS, VERSION, Tree
from lab.settings import CACHE, PROJECT
from lab.shell import LabError, run

Progress = Callable[[str], None]

OFFICIAL = "https://dl.k8s.io/release"
PROBE_SECONDS = 5
"""Limit for finding out whether the official release site is within reach."""
TOOLS = ["apt-get", "curl", "dpkg-source", "gcc", "nice", "setpriv", "skopeo"]
ROOM_GIB = 4
"""What a build takes while it runs (measured 2.6: sources, Go and its cache); its result takes 0.8."""

GO_RELEASE, SOURCE_RELEASE = "bullseye", "bookworm"
GO_PACKAGES = ["golang-1.15-go", "golang-1.15-src"]

WORK = CACHE / "kubernetes-build"
"""Downloads, sources and Go's cache; may be deleted at any time when no build runs."""
LOCK = CACHE / "kubernetes-build.lock"
PROGRESS = CACHE / "kubernetes-build.progress"


def recipe() -> str:
    """A hash of everything that decides what the build's result is."""
    digest = hashlib.sha256()
    modules = ("kubernetes/builder", "kubernetes/compile", "kubernetes/images", "oci")
    for file in [*(PROJECT / "lab" / f"{name}.py" for name in modules), *sorted(GO_SOURCES.rglob("*.go"))]:
        digest.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def result() -> Path:
    """Where the result of the present recipe is, or will be."""
    return CACHE / f"kubernetes-{VERSION}-{recipe()}"


def running() -> str | None:
    """What the build that runs now is doing, or None when none runs."""
    with _lock(wait=False) as held:
        if held:
            return None
    return PROGRESS.read_text() if PROGRESS.exists() else "starting"


def build(progress: Progress) -> Path:
    """Build what is not there yet and return its place. Waits for a build that another process runs.

    `progress` gets a line before each step. Raises LabError naming what is missing."""
    if place := _there():
        return place
    with _lock(wait=False) as held:
        if held:
            return _build(progress)
    progress("another process builds it: waiting for that")
    with _lock(wait=True):
        return _there() or _build(progress)


def _there() -> Path | None:
    """The result, if it is there; it counts as used then, and another recipe's build leaves it for the time being."""
    if not result().is_dir():
        return None
    os.utime(result())
    return result()


def _build(progress: Progress) -> Path:
    _check_machine()

    def tell(line: str) -> None:
        PROGRESS.write_text(line)
        progress(line)

    downloads = debian.Downloads(WORK / "downloads")
    tree = Tree(WORK / "go", WORK / "gopath", WORK / "go-cache")
    programs = WORK / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    site = f"{OFFICIAL}/{VERSION}/bin/linux/{apt.architecture()}"

    tell("looking for the official release site")
    official = _reachable(f"{site}/kubeadm.sha256")
    with _once("download", GO_PACKAGES + images.PACKAGES) as needed:
        if needed:
            tell("downloading Debian's Go 1.15, Kubernetes sources and packages (130 MB)")
            shutil.rmtree(downloads.directory, ignore_errors=True)
            downloads.packages(GO_RELEASE, GO_PACKAGES)
            downloads.packages(SOURCE_RELEASE, images.PACKAGES)
            downloads.source(SOURCE_RELEASE, "kubernetes")
    versions = downloads.versions()
    sources = [versions[name] for name in ("kubernetes", *GO_PACKAGES)]
    with _once("unpack", sources) as needed:
        if needed:
            tell("unpacking Go and the sources")
            shutil.rmtree(tree.source, ignore_errors=True)
            downloads.unpack(WORK / "go", GO_PACKAGES)
            downloads.unpack_source("kubernetes", tree.source)
    if official:
        for name in COMMANDS:
            tell(f"fetching {name} from {OFFICIAL}")
            _fetch(f"{site}/{name}", programs / name)
    else:
        _compile(tree, programs, sources, tell)
    tell("compiling the stand-ins")
    tree.add_stand_ins()
    tree.build([f"cmd/openpai-lab/{name}" for name in STAND_INS], programs)
    tree.build_pause(programs / "pause", images.PAUSE_VERSION)

    tell("making the release mirror and the images")
    place = result()
    draft = place.with_name(place.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    _make_release(programs, draft / "release")
    _make_images(downloads, programs, draft / "images")
    origin = {"binaries": site if official else f"Debian's kubernetes {versions['kubernetes']}", "packages": versions}
    (draft / "origin.json").write_text(json.dumps(origin, indent=1))
    draft.rename(place)
    cache.drop_others(f"kubernetes-v*-{'?' * 12}", place)
    return place


def _compile(tree: Tree, programs: Path, sources: list[str], tell: Progress) -> None:
    with _once("openapi", sources) as needed:
        if needed:
            tell("generating the API definitions")
            tree.generate_openapi()
    with _once("programs", sources + tree.flags()) as needed:
        if needed:
            tell(f"compiling {', '.join(COMMANDS)} (about 5 minutes)")
            tree.build([f"cmd/{name}" for name in COMMANDS], programs)


def _make_images(downloads: debian.Downloads, programs: Path, place: Path) -> None:
    layers = WORK / "layers"
    shutil.rmtree(layers, ignore_errors=True)
    layout = oci.Layout(place, apt.architecture())
    for image in images.build(downloads, programs, layers):
        layout.add(image)
    shutil.rmtree(layers)


def _make_release(programs: Path, release: Path) -> None:
    """Lay the programs out as the official release site does, each with its .sha256 beside it."""
    folder = release / VERSION / "bin/linux" / apt.architecture()
    folder.mkdir(parents=True)
    for name in COMMANDS:
        share(programs / name, folder / name)
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        (folder / f"{name}.sha256").write_text(digest)
    series = VERSION.rsplit(".", 1)[0].removeprefix("v")
    (release / f"stable-{series}.txt").write_text(VERSION)


def _check_machine() -> None:
    debian.check()
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise LabError(
            f"to build the lab's Kubernetes this machine needs {', '.join(missing)}; "
            "run: apt-get install curl dpkg-dev gcc libc6-dev skopeo util-linux"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(CACHE).free / 2**30
    if free < ROOM_GIB:
        raise LabError(f"{CACHE} has {free:.1f} GiB free; building the lab's Kubernetes takes {ROOM_GIB} GiB")


def _reachable(url: str) -> bool:
    return run("curl", "-fsSL", "-m", str(PROBE_SECONDS), "-o", "/dev/null", url, check=False).returncode == 0


def _fetch(url: str, path: Path) -> None:
    """Download a file of the release site, checked against its .sha256; one that is right already stays."""
    wanted = run("curl", "-fsSL", "--retry", "3", f"{url}.sha256").stdout.strip()
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == wanted:
        return
    draft = path.with_suffix(".new")
    run("curl", "-fsSL", "--retry", "3", "-o", draft, url)
    found = hashlib.sha256(draft.read_bytes()).hexdigest()
    if found != wanted:
        raise LabError(f"{url} has sha256 {found}, its .sha256 says {wanted}; try again")
    draft.chmod(0o755)
    draft.rename(path)


@contextmanager
def _once(step: str, inputs: list[str]) -> Iterator[bool]:
    """Whether a step is still to be done for these inputs; it counts as done when the block ends without an error."""
    stamp = WORK / "done" / step
    key = "\n".join(inputs)
    if stamp.exists() and stamp.read_text() == key:
        yield False
        return
    yield True
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)


@contextmanager
def _lock(wait: bool) -> Iterator[bool]:
    """Hold the build's lock while the block runs; without `wait`, yields False where another process holds it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
