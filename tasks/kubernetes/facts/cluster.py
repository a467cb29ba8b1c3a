"""What the API server tells of the cluster's nodes and objects, asked on the master.

pyinfra has no facts for Kubernetes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from pyinfra.api import FactBase
from pyinfra.api.exceptions import FactProcessError

from tasks.kubernetes.facts.node import ADMIN_CONF, ASK
from tasks.reach import SECTION, parse_sections

KUBECTL = f"{ASK} {ADMIN_CONF}"
# How the description of a worker's token ends.
JOIN_TOKEN = "-joins"


@dataclass(frozen=True)
class Member:
    """A node as the API server has it.

    `ready` means Ready and under no pressure, `fault` is the kubelet's own word for why not.
    """

    ready: bool
    version: str
    labels: dict[str, str] = field(default_factory=dict)
    taints: frozenset[str] = frozenset()
    fault: str = ""


class Members(FactBase[dict[str, Member]]):
    """The nodes by name; none where there is no API server to ask."""

    default = dict

    def command(self) -> str:
        return f"{KUBECTL} get nodes -o json 2>/dev/null || :"

    def process(self, output: list[str]) -> dict[str, Member]:
        try:
            return {item["metadata"]["name"]: _member(item) for item in json.loads("\n".join(output))["items"]}
        except (ValueError, KeyError) as error:
            raise FactProcessError(f"the API server's list of nodes could not be read: {error}") from error


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
    )


class ManifestDiffers(FactBase[bool]):
    """Whether the cluster's objects differ from the manifest at `path`, as the API server itself sees it.

    False where `kept` (kind/name, in kube-system) is there without our label: somebody else's, and to be left alone.
    """

    @staticmethod
    def default() -> bool:
        return True

    def command(self, path: str, kept: str | None = None) -> str:
        columns = "jsonpath={.metadata.name} {.metadata.labels}"
        theirs = (
            f"o=$({KUBECTL} get -n kube-system {kept} -o '{columns}' 2>/dev/null); "
            'case $o in "") ;; *managed-by*openpai-deploy*) ;; *) echo same; exit ;; esac; '
        )
        # Exit status 0: no difference, 1: some, more: could not tell, which is a difference for the caller to meet.
        differs = f"if {KUBECTL} diff -f {path} >/dev/null 2>&1; then echo same; else echo differs; fi"
        return f"{theirs if kept else ''}{differs}"

    def process(self, output: list[str]) -> bool:
        return output != ["same"]


class Unready(FactBase[list[str]]):
    """Workloads of namespace kube-system that lack ready pods, as `kind/name ready/wanted`."""

    default = list

    def command(self) -> str:
        wanted = (
            "{range .items[*]}{.kind}/{.metadata.name} {.status.readyReplicas}{.status.numberReady} "
            '{.status.replicas}{.status.desiredNumberScheduled}{"\\n"}{end}'
        )
        return f"{KUBECTL} get -n kube-system daemonsets,deployments -o jsonpath='{wanted}' || echo API-server 0 1"

    def process(self, output: list[str]) -> list[str]:
        return unready(output)


def unready(lines: list[str]) -> list[str]:
    """The workloads of Unready's output that are not complete; a missing number of ready pods is none."""
    found = []
    for line in filter(None, lines):
        name, *numbers = line.split(" ")
        ready, wanted = (int(number or 0) for number in numbers)
        if ready < wanted:
            found.append(f"{name} {ready}/{wanted}")
    return found


# What StrandedPods asks of `get nodes` and `get pods`, a line each.
RANGES = """-o jsonpath='{range .items[*]}{.metadata.name}|{.spec.podCIDR}{"\\n"}{end}'"""
PLACES = (
    "-o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}|{.spec.nodeName}|{.spec.hostNetwork}|"
    '{.status.phase}|{.status.podIP}{"\\n"}{end}\''
)


class StrandedPods(FactBase[list[str]]):
    """Pods, as namespace/name, that hold an address outside the range that their node has now.

    A node that was deleted and registers again gets another range, and the pods on it keep what they have.
    """

    default = list

    def command(self) -> str:
        return (
            f"{SECTION}\nsection ranges {KUBECTL} get nodes {RANGES}\n"
            f"section pods {KUBECTL} get pods --all-namespaces {PLACES}"
        )

    def process(self, output: list[str]) -> list[str]:
        found = parse_sections(output)
        return stranded(found["ranges"].splitlines(), found["pods"].splitlines())


def stranded(ranges: list[str], pods: list[str]) -> list[str]:
    """The pods of `pods` (lines of PLACES) whose address is not of their node's range (`ranges`, lines of RANGES)."""
    of_node = dict(line.split("|") for line in ranges)
    found = []
    for line in pods:
        pod, node, of_the_host, phase, address = line.split("|")
        on_the_network = of_the_host != "true" and phase in ("Pending", "Running") and address
        if on_the_network and of_node.get(node) and ip_address(address) not in ip_network(of_node[node]):
            found.append(pod)
    return found


class JoinTokens(FactBase[list[str]]):
    """Secrets, by name, of the tokens that workers joined with; a run that was killed leaves one for its 15 minutes."""

    default = list

    def command(self) -> str:
        line = '{{.metadata.name}} {{base64decode .data.description}}{{"\\n"}}'
        listed = f"{{{{range .items}}}}{{{{if .data.description}}}}{line}{{{{end}}}}{{{{end}}}}"
        selected = "--field-selector type=bootstrap.kubernetes.io/token"
        return f"{KUBECTL} get secrets -n kube-system {selected} -o go-template='{listed}' 2>/dev/null || :"

    def process(self, output: list[str]) -> list[str]:
        return [line.split()[0] for line in output if line.endswith(JOIN_TOKEN)]


class Snapshots(FactBase[dict[str, str]]):
    """The snapshots in a folder: sums by file name."""

    default = dict

    def command(self, folder: str) -> str:
        return f"cd {folder} 2>/dev/null && sha256sum -- *.db 2>/dev/null || :"

    def process(self, output: list[str]) -> dict[str, str]:
        return {name: sum_ for sum_, name in (line.split(maxsplit=1) for line in output)}


class Same(FactBase[bool]):
    """Whether the output of `edit` is what `path` holds."""

    default = bool

    def command(self, edit: str, path: str) -> str:
        return f"{edit} 2>/dev/null | cmp -s - {path} && echo same || :"

    def process(self, output: list[str]) -> bool:
        return output == ["same"]
