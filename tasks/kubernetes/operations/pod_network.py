"""The pod network: a node's own of host-gw, and Calico's manifest.

pyinfra has no operations for container networks.
"""

import re

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from cluster import Problem
from tasks.kubernetes.facts import pod_network
from tasks.kubernetes.facts.cluster import Same
from tasks.kubernetes.facts.pod_network import POOL, CalicoPool, PodNetworkFaults
from tasks.reach import Commands, quoted, stop, until

# Seconds for a node to learn its share of the pods' network: the script asks every two.
PATIENCE = 60
# What to do where the pool is for VXLAN, and where it is not.
POOL_KEEPS = {
    True: "set calico_encapsulation: vxlan",
    False: "remove calico_encapsulation; or, while no job runs, change the pool on the master and deploy again: "
    f"kubectl patch ippools.crd.projectcalico.org {POOL} --type merge "
    """-p '{"spec": {"ipipMode": "Never", "vxlanMode": "Always"}}'""",
}


@operation()
def converged(node: str) -> Commands:
    """Wait until the node `node`, this host, has its bridge and routes to others' pods; fail with what is missing."""
    if not host.get_fact(PodNetworkFaults, node=node):
        return
    yield until(StringCommand("!", quoted(pod_network.faults(node)), "| grep -q ."), PATIENCE)
    faults = host.get_fact(PodNetworkFaults, node=node)
    if faults:
        yield stop(*(f"pod network: {fault}" for fault in faults), cause="pod-network")


@operation()
def calico_manifest(source: str, path: str, replaced: dict[str, str], needed: list[str], vxlan: bool) -> Commands:
    """Have at `path` Calico's manifest `source` with the texts that are keys of `replaced` turned into their values.

    The texts `needed` must be in it. Stops where the pool of pods' addresses is for another encapsulation than `vxlan`
    says: no manifest changes it.
    """
    edit = sed_words(source, replaced)
    if host.get_fact(Same, edit=edit, path=path):
        return
    pool = host.get_fact(CalicoPool)
    if pool is not None and pool != vxlan:
        yield stop(
            Problem(
                "calico_encapsulation is not what this cluster's pool of addresses is for",
                POOL_KEEPS[pool],
                cause="calico-pool",
            )
        )
        return
    for text in needed:
        lacking = (
            f"calico_manifest_url: no `{text}` in it, so VXLAN cannot be asked for; use a manifest of Calico's own"
        )
        found = StringCommand("grep -qF --", QuoteString(text), QuoteString(source))
        yield StringCommand(found, "|| { echo", QuoteString(lacking), ">&2; exit 1; }")
    new = QuoteString(f"{path}.new")
    yield StringCommand(quoted(edit), ">", new, "&& mv -f", new, QuoteString(path))


def sed_words(source: str, replaced: dict[str, str]) -> list[str]:
    """The words of a command that prints `source`, in each line the first key of `replaced` turned into its value."""
    patterns = [f"s|{_literal(old)}|{_literal(new)}|" for old, new in replaced.items()]
    # `t`: what one of them has made of a line is no other's.
    return ["sed", *(word for one in patterns for word in ("-e", one, "-e", "t")), "--", source]


def _literal(text: str) -> str:
    """`text` as it stands on either side of sed's s||| command."""
    return re.sub(r"[][\\.*^$&|\n]", r"\\\g<0>", text)
