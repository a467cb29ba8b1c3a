"""Compiling Kubernetes and the lab's stand-ins from Debian's source package.

Go 1.15 it must be: the tree's vendored reflect2 crashes in programs that Go 1.18 or later has built."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.shell import run

VERSION = "v1.20.2"
"""Of Debian's source package, and of the release whose place it takes."""
COMMANDS = [
    "kubeadm",
    "kubelet",
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
]
STAND_INS = ["coredns", "device-plugin", "host-device-plugin"]
GO_SOURCES = Path(__file__).parent / "go"

MODULE = "k8s.io/kubernetes"
OPENAPI_TAG = "// +k8s:openapi-gen=true"


class Tree:
    """The source tree in a GOPATH, with the Go that builds it. `root` is where Go's packages are unpacked."""

    def __init__(self, root: Path, gopath: Path, cache: Path) -> None:
        self.go = root / "usr/lib/go-1.15"
        self.gopath = gopath
        self.source = gopath / "src" / MODULE
        self.cache = cache

    def generate_openapi(self) -> None:
        """Write the Go file of API definitions that the source package leaves to be generated."""
        self.build(["vendor/k8s.io/kube-openapi/cmd/openapi-gen"], self.gopath / "bin")
        generator = self.gopath / "bin/openapi-gen"
        output = f"{MODULE}/pkg/generated/openapi"
        arguments = ["-i", ",".join(self._openapi_packages()), "-p", output, "-O", "zz_generated.openapi"]
        header = self.source / "hack/boilerplate/boilerplate.generatego.txt"
        self._run(generator, *arguments, "-h", header, "-r", self.gopath / "openapi-violations")

    def add_stand_ins(self) -> None:
        """Put the lab's own programs into the tree: there they share its vendored libraries."""
        place = self.source / "cmd/openpai-lab"
        shutil.rmtree(place, ignore_errors=True)  # a file that is no more must not be compiled
        shutil.copytree(GO_SOURCES, place)

    def flags(self) -> list[str]:
        """What the linker is told: no symbols, and the version to answer with."""
        major, minor, _ = VERSION.removeprefix("v").split(".")
        facts = {"gitVersion": VERSION, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        flags = ["-s", "-w"]
        for library in ("component-base/version", "client-go/pkg/version"):
            # In GOPATH mode the linker knows a vendored package only by its path with vendor/ in it.
            flags += [f"-X {MODULE}/vendor/k8s.io/{library}.{name}={value}" for name, value in facts.items()]
        return flags

    def build(self, folders: Sequence[str], place: Path) -> None:
        """Compile the programs in folders of the tree, static, into `place`; they appear there when all are whole.

        All at once: while one is linked, which takes one processor, the next is compiled.
        """
        draft = place.with_name(f"{place.name}.new")
        draft.mkdir(parents=True, exist_ok=True)
        # What a debugger would read is not made in the first place: the linker would only leave it out.
        options = ("-trimpath", "-gcflags", "all=-dwarf=false", "-ldflags", " ".join(self.flags()), "-o", f"{draft}/")
        self._run(self.go / "bin/go", "build", *options, *(f"./{folder}" for folder in folders))
        place.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            name = Path(folder).name
            (draft / name).rename(place / name)

    def build_pause(self, output: Path, version: str) -> None:
        """Compile the program that holds a pod's namespaces."""
        source = self.source / "build/pause/linux/pause.c"
        run("gcc", "-Os", "-s", "-static", f"-DVERSION={version}", "-o", output, source)

    def _openapi_packages(self) -> list[str]:
        """Import paths of the packages that ask for definitions; examples of the tree are not part of Kubernetes."""
        packages = set()
        for top in ("staging/src/k8s.io", "pkg"):
            for file in (self.source / top).rglob("*.go"):
                folder = str(file.parent.relative_to(self.source))
                if "_examples" in folder or "sample-apiserver" in folder or OPENAPI_TAG not in file.read_text():
                    continue
                packages.add(f"{MODULE}/{folder.replace('staging/src/', 'vendor/')}")
        return sorted(packages)

    def _run(self, *argv: str | Path) -> None:
        environment = {
            "PATH": f"{self.go}/bin:/usr/bin:/bin",
            "HOME": str(self.gopath),
            "GOROOT": str(self.go),
            "GOPATH": str(self.gopath),
            "GOCACHE": str(self.cache),
            "GO111MODULE": "off",
            "CGO_ENABLED": "0",
            # The compiler's processes are short: letting their memory grow saves a fifth of their time.
            "GOGC": "400",
        }
        # A build that nobody waits for any more ends with its parent; one that runs leaves the machine usable.
        run("setpriv", "--pdeathsig", "TERM", "nice", "-n", "15", *argv, env=environment, cwd=self.source)
