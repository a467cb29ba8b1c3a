"""A worker's membership: joined once, mended if a run was killed, never joined over another cluster's.

pyinfra has no operations for kubeadm.
"""

from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError

from cluster import Cluster, Host, Problem, Role
from cluster.kubernetes import TOKEN_LIFE, api_servers, ca_hash, join_config
from cluster.names import short
from tasks import docker
from tasks.kubernetes.facts.cluster import JOIN_TOKEN
from tasks.kubernetes.facts.node import (
    ADMIN_CONF,
    ASK,
    BOOTSTRAP_CONF,
    CA,
    JOIN_CONFIG,
    KUBECTL,
    KUBELET_CONF,
    KubernetesNode,
)
from tasks.kubernetes.facts.pod_network import CONFLIST
from tasks.kubernetes.operations import kubelet
from tasks.kubernetes.operations.control_plane import INIT, passing
from tasks.kubernetes.steps import Step, of_another_cluster, of_master, of_worker
from tasks.reach import DIRECT, Commands, ask, cluster_host, complain, detached, stop, the_master, until

JOIN = "kubeadm-join"


@operation()
def touchable(node_name: str, servers: list[str], master: bool) -> Commands:
    """Stop a host whose Kubernetes no deploy may go on with: another cluster's, or a control plane without its data.

    Comes before the kubelet is changed or started: over an emptied disk its etcd would begin an empty cluster. So would
    a bare machine in the place of the master of workers that are at work.
    """
    node = host.get_fact(KubernetesNode, node=node_name, master=master)
    # What an init or a join that still runs will leave is judged after it.
    if {INIT, JOIN} & {*node.running}:
        return
    found = of_master(node, servers) if master else of_another_cluster(node, servers)
    if isinstance(found, Problem):
        yield stop(found)
    elif found is Step.INIT and (orphans := _nodes_of(servers)):
        lost = f"Kubernetes is not on this master, but {short(orphans)} are nodes of the cluster that it had"
        fix = (
            "bring it back by tasks.kubernetes.restore_master; for a new cluster: `kubeadm reset -f` on its nodes first"
        )
        yield stop(Problem(lost, fix, cause="master-lost"))


def _nodes_of(servers: list[str]) -> list[str]:
    """Workers whose kubelets know the API by one of `servers`: of three of this run, since one of a cluster will do."""
    there = [other for other in host.inventory if other.connected and other not in state.failed_hosts]
    asked = [other for other in there if other.data.role == Role.WORKER.value][:3]
    nodes = {other: other.get_fact(KubernetesNode, node=cluster_host(other).name, master=False) for other in asked}
    return [cluster_host(other).name for other, node in nodes.items() if node.server in servers]


@operation()
def joined(cluster: Cluster, worker: Host, ignore: list[str]) -> Commands:
    """Have this host a member of `cluster` as `worker`; `ignore` names kubeadm's checks to pass over."""
    node = host.get_fact(KubernetesNode, node=worker.name)
    if JOIN in node.running:
        yield detached.wait(JOIN)
        node = host.get_fact(KubernetesNode, node=worker.name)
    if the_master(host) in state.failed_hosts:
        yield stop("the master failed in this run; a worker joins once it is up", cause="master-failed")
        return
    step = of_worker(node, api_servers(cluster))
    if isinstance(step, Problem):
        yield stop(step)
    elif step in (Step.RESUME, Step.REGISTER):
        # A join that is killed while the kubelet already has its certificate leaves both.
        if node.files & {BOOTSTRAP_CONF, JOIN_CONFIG}:
            yield StringCommand(f"rm -f {BOOTSTRAP_CONF} {JOIN_CONFIG}")
        if step is Step.RESUME:
            return
        # The kubelet registers its node when it starts, and only then. The node gets another range of pod addresses:
        # without the old one's file no pod starts before the network has it.
        yield StringCommand(f"rm -f {CONFLIST} && systemctl restart kubelet.service")
        yield registered(worker.name)
    elif step in (Step.JOIN, Step.REJOIN):
        if step is Step.REJOIN:
            # Of what an earlier join left, nothing is worth keeping: no kubelet has run with it.
            yield StringCommand(f"{DIRECT} kubeadm reset -f >/dev/null")
            yield from docker.logged_in._inner(path=kubelet.LOGINS, like=docker.CLIENT_CONFIG)  # it empties that folder
        yield StringCommand(f"rm -f {CONFLIST}")  # of an earlier range, as above
        yield FunctionCommand(_join, (cluster, worker, ignore), {})
        yield registered(worker.name)


def registered(name: str) -> StringCommand:
    """Wait until the API server knows the node, which is some seconds after kubeadm says so."""
    return until(
        StringCommand(ASK, KUBELET_CONF, "get node", QuoteString(name), ">/dev/null 2>&1"),
        60,
        "echo 'the kubelet does not register its node; it says:'; journalctl -u kubelet -n 3 --no-pager -o cat",
    )


def _signed(name: str) -> StringCommand:
    """Wait until the cluster vouches for the token called `name`: kubeadm's join looks every five seconds only.

    The controller that does starts some ten seconds after a new API server.
    """
    signature = QuoteString(f"jsonpath={{.data.jws-kubeconfig-{name}}}")
    ask_for = StringCommand(f"{KUBECTL} get configmap -n kube-public cluster-info -o", signature)
    return until(StringCommand(ask_for, "2>/dev/null | grep -q ."), 60)


def _join(state: Any, host: Any, cluster: Cluster, worker: Host, ignore: list[str]) -> bool:
    """Join with a token that the master makes for this one worker, and takes back."""
    master = the_master(host)
    try:
        certificate = ask(master, f"cat {CA}")
        kubeadm = f"{DIRECT} kubeadm --kubeconfig {ADMIN_CONF} token"
        described = QuoteString(f"{worker.name}{JOIN_TOKEN}")
        created = StringCommand(f"{kubeadm} create --ttl {TOKEN_LIFE}m --description", described)
        token = ask(master, created).strip()
        try:
            ask(master, _signed(token.partition(".")[0]))
            config = join_config(cluster, worker, token, ca_hash(certificate))
            ask(host, f"umask 077; mkdir -p $(dirname {JOIN_CONFIG}) && cat >{JOIN_CONFIG}", stdin=config)
            join = StringCommand(
                f"trap 'rm -f {JOIN_CONFIG}' EXIT; {DIRECT} kubeadm join --config {JOIN_CONFIG}", *passing(ignore)
            )
            worked, output = host.run_shell_command(detached.command(JOIN, join), _sudo=True)
        finally:
            # The part before the dot is the token's public name.
            ask(master, StringCommand(f"{kubeadm} delete", QuoteString(token.partition(".")[0])))
    except (PyinfraError, ValueError) as error:
        return complain(state, host, f"cannot join: {error}", cause="join-failed")
    for line in output.stderr_lines:
        host.log(line, logger.error)
    return worked
