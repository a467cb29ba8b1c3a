"""What the API server tells of the cluster's nodes and objects, asked on the master.

pyinfra has no facts for Kubernetes.
"""

import json
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from pyinfra.api import StringCommand

from tasks.kubernetes.facts.node import ADMIN_CONF, KUBECTL, asked
from tasks.kubernetes.marks import CORDONED, Mark, read_mark
from tasks.reach import Fact, Holds, probes, program, shell

# How the description of a worker's token ends.
JOIN_TOKEN = "-joins"


@dataclass(frozen=True)
class Member:
    """A node as the API server has it.

    `ready` means Ready and under no pressure, `fault` is the kubelet's own word for why not. `cordoned` means that it
    takes no pods; `mark` is there where it was this deploy that said so.
    """

    ready: bool
    version: str
    labels: dict[str, str] = field(default_factory=dict)
    taints: frozenset[str] = frozenset()
    fault: str = ""
    cordoned: bool = False
    mark: Mark | None = None


class Members(Fact[dict[str, Member]]):
    """The nodes by name; none where there is no API server to ask."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = dict

    def command(self) -> StringCommand:
        return probes(nodes=asked(ADMIN_CONF, "get", "nodes", "-o", "json"))

    def read(self, found: dict[str, str]) -> dict[str, Member]:
        return read_members(found["nodes"])


def read_members(listed: str) -> dict[str, Member]:
    """The nodes by name, of `kubectl get nodes -o json`."""
    items = json.loads(listed)["items"] if listed else []
    return {item["metadata"]["name"]: _member(item) for item in items}


def _member(item: dict) -> Member:
    conditions = {one["type"]: one for one in item["status"].get("conditions", [])}
    ready = conditions.get("Ready", {"message": "it never reported"})
    # A node under pressure is Ready by name, but takes no pods and evicts those it has.
    pressed = [one for kind, one in conditions.items() if kind.endswith("Pressure") and one["status"] == "True"]
    faults = [*([] if ready.get("status") == "True" else [ready]), *pressed]
    return Member(
        ready=not faults,
        version=item["status"]["nodeInfo"]["kubeletVersion"],
        labels=item["metadata"].get("labels", {}),
        taints=frozenset(f"{taint['key']}:{taint['effect']}" for taint in item["spec"].get("taints", [])),
        fault="; ".join(fault.get("message", "") for fault in faults),
        cordoned=bool(item["spec"].get("unschedulable")),
        mark=read_mark(item["metadata"].get("annotations", {}).get(CORDONED)),
    )


class ManifestDiffers(Fact[bool]):
    """Whether the cluster's objects differ from the manifest at `path`, as the API server itself sees it.

    False where `kept` (kind/name, in kube-system) is there without our label: somebody else's, and to be left alone.
    """

    holds = Holds.UNTIL_A_HOST_CHANGES

    @staticmethod
    def default() -> bool:
        return True

    def command(self, path: str, kept: str | None = None) -> StringCommand:
        return probes(manifest=program("kubernetes/manifest-differs.sh", KUBECTL, path, kept or ""))

    def read(self, found: dict[str, str]) -> bool:
        return {"same": False, "differs": True}[found["manifest"]]


_PODS = (
    "{range .items[*]}{.kind}/{.metadata.name} {.status.readyReplicas}{.status.numberReady} "
    '{.status.replicas}{.status.desiredNumberScheduled}{"\\n"}{end}'
)


class Unready(Fact[list[str]]):
    """Workloads of namespace kube-system that lack ready pods, as `kind/name ready/wanted`."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = list

    def command(self) -> StringCommand:
        get = f'{KUBECTL} get -n kube-system daemonsets,deployments -o "jsonpath=$1" || echo API-server 0 1'
        return probes(workloads=shell(get, _PODS))

    def read(self, found: dict[str, str]) -> list[str]:
        """Those that are not complete; a missing number of ready pods is none."""
        unready = []
        for line in filter(None, found["workloads"].splitlines()):
            name, *numbers = line.split(" ")
            ready, wanted = (int(number or 0) for number in numbers)
            if ready < wanted:
                unready.append(f"{name} {ready}/{wanted}")
        return unready


# A line of each: of a node its range, of a pod where it is and its address.
_PLACES = (
    "{range .items[*]}{.kind}|{.metadata.namespace}/{.metadata.name}|{.spec.podCIDR}|{.spec.nodeName}|"
    '{.spec.hostNetwork}|{.status.phase}|{.status.podIP}{"\\n"}{end}'
)


class StrandedPods(Fact[list[str]]):
    """Pods, as namespace/name, that hold an address outside the range that their node has now.

    A node that was deleted and registers again gets another range, and the pods on it keep what they have.
    """

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = list

    def command(self) -> StringCommand:
        get = asked(ADMIN_CONF, "get", "nodes,pods", "--all-namespaces", "-o", f"jsonpath={_PLACES}")
        return probes(places=get)

    def read(self, found: dict[str, str]) -> list[str]:
        rows = [line.split("|") for line in found["places"].splitlines()]
        ranges = {name.lstrip("/"): its_range for kind, name, its_range, *_ in rows if kind == "Node"}
        stranded = []
        for _, pod, _, node, of_the_host, phase, address in (row for row in rows if row[0] == "Pod"):
            on_the_network = of_the_host != "true" and phase in ("Pending", "Running") and address
            if on_the_network and ranges.get(node) and ip_address(address) not in ip_network(ranges[node]):
                stranded.append(pod)
        return stranded


class JoinTokens(Fact[list[str]]):
    """Secrets, by name, of the tokens that workers joined with; a run that was killed leaves one for its 15 minutes."""

    holds = Holds.UNTIL_A_HOST_CHANGES
    default = list

    def command(self) -> StringCommand:
        line = '{{.metadata.name}} {{base64decode .data.description}}{{"\\n"}}'
        listed = "{{range .items}}{{if .data.description}}" + line + "{{end}}{{end}}"
        selected = "--field-selector=type=bootstrap.kubernetes.io/token"
        get = asked(ADMIN_CONF, "get", "secrets", "-n", "kube-system", selected, "-o", f"go-template={listed}")
        return probes(tokens=get)

    def read(self, found: dict[str, str]) -> list[str]:
        return [line.split()[0] for line in found["tokens"].splitlines() if line.endswith(JOIN_TOKEN)]


class Snapshots(Fact[dict[str, str]]):
    """The snapshots in a folder: sums by file name."""

    default = dict

    def command(self, folder: str) -> StringCommand:
        return probes(sums=shell('cd -- "$1" && sha256sum -- *.db', folder))

    def read(self, found: dict[str, str]) -> dict[str, str]:
        return {name: sum_ for sum_, name in (line.split(maxsplit=1) for line in found["sums"].splitlines())}


class Same(Fact[bool]):
    """Whether the output of the command `edit` (its words) is what `path` holds."""

    default = bool

    def command(self, edit: list[str], path: str) -> StringCommand:
        return probes(same=shell('path=$1; shift; "$@" | cmp -s - "$path" && echo same', path, *edit))

    def read(self, found: dict[str, str]) -> bool:
        return {"same": True, "": False}[found["same"]]
