"""A node's Kubernetes as it is: what kubeadm left on its disk, and what the API server says of it.

pyinfra has no facts for Kubernetes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from pyinfra.api import StringCommand

from tasks.reach import DIRECT, Fact, Holds, detached, probes, program, shell

KUBERNETES = "/etc/kubernetes"
ADMIN_CONF, KUBELET_CONF = f"{KUBERNETES}/admin.conf", f"{KUBERNETES}/kubelet.conf"
BOOTSTRAP_CONF = f"{KUBERNETES}/bootstrap-kubelet.conf"
CA = f"{KUBERNETES}/pki/ca.crt"
MANIFESTS = f"{KUBERNETES}/manifests"
ETCD_DATA = "/var/lib/etcd/member"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
# What a join reads its token from: in memory, and removed with the command that reads it unless that one is killed.
JOIN_CONFIG = "/run/openpai-deploy/kubeadm-join.yaml"
# The unit of the watch over a worker's GPUs.
GPU_WATCH = "/etc/systemd/system/openpai-gpu-health.service"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# The API server's answer, or its absence, must not hold a fact up for long.
ASK = f"{DIRECT} kubectl --request-timeout=10s --kubeconfig"
KUBECTL = f"{ASK} {ADMIN_CONF}"
# For what takes its time: each such command has a limit of its own.
KUBECTL_PATIENT = f"{DIRECT} kubectl --kubeconfig {ADMIN_CONF}"
_LIST_UNITS = ("systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating")

# Of node $2 by the kubeconfig $1: that it is known, and what it offers, in one line.
_OWN_NODE = (
    f"""{ASK} "$1" get node -o 'go-template=node/{{{{.metadata.name}}}}"""
    """{{range $name, $value := .status.allocatable}} {{$name}}={{$value}}{{end}}' -- "$2" 2>&1"""
)
_FILES = (ADMIN_CONF, KUBELET_CONF, BOOTSTRAP_CONF, JOIN_CONFIG, CA, ETCD_DATA, KUBELET_CONFIG)


class Api(Enum):
    """What the API server says to a kubelet that asks for its own node."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    OTHER_CA = "other CA"
    SILENT = "silent"


@dataclass(frozen=True)
class Node:
    """A host's part in a Kubernetes cluster.

    `api` and `offers` (what pods may ask of it, by name of the resource) are a worker's: what the API server says to
    its kubelet's credentials. `ready` and `missing` are a master's: the latter names what kubeadm's init makes through
    the API and the API says not to have; an API that says nothing proves nothing.
    """

    running: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    server: str = ""
    rotates: bool = False
    api: Api = Api.SILENT
    offers: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    missing: frozenset[str] = frozenset()

    @property
    def untouched(self) -> bool:
        """True where no kubeadm has been at work."""
        return not self.files

    @property
    def manifests_missing(self) -> tuple[str, ...]:
        """Components of the control plane without a static pod."""
        return tuple(name for name in COMPONENTS if f"{MANIFESTS}/{name}.yaml" not in self.files)

    def allocatable(self, resource: str) -> int:
        """How many of `resource`, such as GPUs, pods may have here."""
        return int(self.offers.get(resource, 0))


class KubernetesNode(Fact[Node]):
    """Read a node's state in one command; `master` adds what only the control plane can tell."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = Node

    def command(self, node: str, master: bool = False) -> StringCommand:
        # Where the API server is up, its own objects tell whether kubeadm came to the end: the first is its
        # configuration, the add-ons come last.
        get = f"exec 2>&1; get='{KUBECTL} get -o name'"
        system, public = "cm/kubeadm-config ds/kube-proxy deploy/coredns", "cm/cluster-info"
        masters: dict[str, Iterable[str | int]] = {
            "ready": asked(ADMIN_CONF, "get", "--raw", "/readyz"),
            "missing": shell(f"{get}; $get -n kube-system {system}; $get -n kube-public {public}"),
        }
        return probes(
            running=[*_LIST_UNITS, f"{detached.PREFIX}*"],
            files=shell(f'ls -d -- "$@" {MANIFESTS}/*.yaml', *_FILES),
            server=["sed", "-n", "s/^ *server: //p", KUBELET_CONF],
            rotates=["grep", "-l", "kubelet-client-current.pem", KUBELET_CONF],
            **(masters if master else {"api": shell(f'test -e "$1" && {_OWN_NODE}', KUBELET_CONF, node)}),
        )

    def read(self, found: dict[str, str]) -> Node:
        said = found.get("api", "")
        return Node(
            running=tuple(
                line.split()[0].removeprefix(detached.PREFIX).removesuffix(".service")
                for line in found["running"].splitlines()
            ),
            files=frozenset(found["files"].split()),
            server=found["server"].removeprefix("https://"),
            rotates=bool(found["rotates"]),
            api=read_api(said),
            offers=dict(word.split("=", 1) for word in said.split()[1:]) if said.startswith("node/") else {},
            ready=found.get("ready", "") == "ok",
            missing=frozenset(re.findall(r'\(NotFound\): \S+ "(\S+)" not found', found.get("missing", ""))),
        )


def read_api(said: str) -> Api:
    """What kubectl's answer to `get node NAME`, in one line that begins with node/NAME, means."""
    if said.startswith("node/"):
        return Api.KNOWN
    if "(NotFound)" in said:
        return Api.UNKNOWN
    if "x509: certificate signed by unknown authority" in said:
        return Api.OTHER_CA
    if "Unauthorized" in said or "(Forbidden)" in said or "certificate has expired" in said:
        return Api.REFUSED
    return Api.SILENT


class ClusterVersion(Fact[str]):
    """The version of the cluster that this host is a node of, as v1.20.2; empty on a host that is none.

    The API server's, or while it is silent the installed kubelet's.
    """

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = str

    def command(self) -> StringCommand:
        asks = f'test ! -e "$1" || {ASK} "$1" get --raw /version || kubelet --version'
        return probes(said=shell(asks, KUBELET_CONF))

    def read(self, found: dict[str, str]) -> str:
        match = re.search(r"\bv\d+\.\d+\.\d+\b", found["said"])
        return match[0] if match else ""


class Kubeconfig(Fact[str]):
    """Sum, mode and owner of a kubeconfig, as one text; never its content."""

    default = str

    def command(self, path: str) -> StringCommand:
        return probes(sum=["sha256sum", "--", path], stat=["stat", "-c", "%a %U", "--", path])

    def read(self, found: dict[str, str]) -> str:
        return f"{found['sum'][:64]} {found['stat']}".strip()


# Where systemd looks for units and their drop-ins; /lib is /usr/lib on releases of today.
UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system")


class KubeletLeftovers(Fact[list[str]]):
    """Files of an earlier kubelet that speak in place of `unit` and its `flags`, drop-ins among them."""

    default = list

    def command(self, unit: str, flags: str) -> StringCommand:
        mark = "Written by openpai-deploy"
        return probes(found=program("kubernetes/kubelet-leftovers.sh", mark, unit, flags, *UNIT_FOLDERS))

    def read(self, found: dict[str, str]) -> list[str]:
        return found["found"].splitlines()


class Configured(Fact[bool]):
    """Whether kubeadm has made this host a node: before that the kubelet has nothing to run with."""

    default = bool

    def command(self) -> StringCommand:
        return probes(node=["ls", KUBELET_CONFIG])

    def read(self, found: dict[str, str]) -> bool:
        return bool(found["node"])


class Resolver(Fact[str]):
    """The file with the name servers that pods of this host can use.

    systemd-resolved's /etc/resolv.conf names an address of the host's own loopback; kubeadm looks for it on the master
    alone, and gives every node the master's answer.
    """

    @staticmethod
    def default() -> str:
        return "/etc/resolv.conf"

    def command(self) -> StringCommand:
        return probes(resolved=["systemctl", "is-active", "systemd-resolved.service"])

    def read(self, found: dict[str, str]) -> str:
        return "/run/systemd/resolve/resolv.conf" if found["resolved"].strip() == "active" else self.default()


def asked(kubeconfig: str, *words: str) -> list[str]:
    """The words of a kubectl command with `kubeconfig`, which waits ten seconds for its answer at most."""
    return [*ASK.split(), kubeconfig, *words]


def allocatable_gpus(node: str, resource: str) -> list[str]:
    """The words of a command: the GPUs of `node` that pods may ask for as `resource`, by the kubelet's credentials."""
    name = resource.replace(".", "\\.")
    return asked(KUBELET_CONF, "get", "node", "-o", f"jsonpath={{.status.allocatable.{name}}}", "--", node)


class WatchedGpus(Fact[int]):
    """How many GPUs the watch of a worker (GPU_WATCH) misses where they do not answer; 0 where there is no watch."""

    default = int

    def command(self) -> StringCommand:
        return probes(unit=["cat", GPU_WATCH])

    def read(self, found: dict[str, str]) -> int:
        match = re.search(r"^ExecStart=.* (\d+)$", found["unit"], re.M)
        return int(match[1]) if match else 0
