"""The host's own name.

pyinfra's server.hostname leaves /etc/hosts alone, where sudo and kubeadm look the name up, and renames nodes at work.
"""

import io

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand, operation

from cluster import Problem
from tasks.kubernetes.facts.own_name import HOSTS, OwnName, renamed
from tasks.reach import Commands, show_diff, stop


@operation()
def called(wanted: str) -> Commands:
    """Have this host called `wanted`, in /etc/hosts too; stop at a Kubernetes node, which its cluster knows by name."""
    seen = host.get_fact(OwnName)
    if seen.name != wanted and seen.node:
        found = f"this host is a Kubernetes node by the name of {seen.name}, not {wanted}"
        fix = "correct its CSV file, or take it out of its cluster first: docs/kubernetes.md, Day 2"
        yield stop(Problem(found, fix, cause="hostname"))
        return
    hosts = renamed(seen.hosts, seen.name, wanted)
    # First, so that a run that ends here leaves a name that can be looked up.
    if hosts.strip("\n") != seen.hosts:
        show_diff(HOSTS, seen.hosts, hosts)
        yield FileUploadCommand(io.StringIO(hosts), HOSTS)
    if seen.name != wanted:
        yield StringCommand("hostnamectl set-hostname", QuoteString(wanted))
