"""The nodes as the API server has them: labels, the master's taint, readiness; and what runs on them from manifests.

pyinfra has no operations for Kubernetes.
"""

from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand, operation

from tasks.kubernetes.facts.cluster import JoinTokens, ManifestDiffers, Members, StrandedPods, Unready
from tasks.kubernetes.facts.node import ASK, KUBECTL, KUBECTL_PATIENT, KUBELET_CONF
from tasks.reach import Commands, planning, stop, until

MASTER_TAINT = "node-role.kubernetes.io/master:NoSchedule"


@operation()
def labelled(labels: dict[str, dict[str, str]], tainted: dict[str, bool]) -> Commands:
    """Give nodes their `labels`, and the master's taint to those that `tainted` says; nodes that are not there wait."""
    members = host.get_fact(Members)
    for name, wanted in labels.items():
        missing = {
            key: value for key, value in wanted.items() if members.get(name) and members[name].labels.get(key) != value
        }
        if missing:
            pairs = [QuoteString(f"{key}={value}") for key, value in missing.items()]
            yield StringCommand(f"{KUBECTL} label --overwrite node", QuoteString(name), *pairs)
    for name, wanted_taint in tainted.items():
        if name in members and wanted_taint != (MASTER_TAINT in members[name].taints):
            yield StringCommand(
                f"{KUBECTL} taint node", QuoteString(name), MASTER_TAINT if wanted_taint else f"{MASTER_TAINT}-"
            )


@operation()
def without_tokens() -> Commands:
    """Delete the tokens of joins that are over; one whose run was killed would live out its time."""
    left = host.get_fact(JoinTokens)
    if left:
        yield StringCommand(f"{KUBECTL} delete secret -n kube-system", *map(QuoteString, left), ">/dev/null")


@operation()
def readdressed(forced: bool, timeout: int) -> Commands:
    """Delete pods whose address is of a range that their node has no more: nothing reaches them.

    The system's are made again by what made them; of others, which may be jobs, only those that the operator gives up
    (`forced`). Each has `timeout` seconds to end.
    """
    stranded = host.get_fact(StrandedPods)
    given_up = [pod for pod in stranded if forced or pod.startswith("kube-system/")]
    for pod in given_up:
        delete = f"{KUBECTL_PATIENT} delete pod --ignore-not-found --timeout={timeout}s -n"
        yield StringCommand(delete, *map(QuoteString, pod.split("/", 1)))
    kept = [pod for pod in stranded if pod not in given_up]
    if kept:
        yield stop(
            f"nothing reaches {len(kept)} pods, with addresses of a range that their node had before it registered "
            f"again: {', '.join(kept)}; delete them when their work is done, or now with --data allow_disruption=yes",
            cause="pods-unreached",
        )


@operation()
def ready(names: list[str], timeout: int) -> Commands:
    """Wait until the nodes `names` are Ready; after `timeout` seconds fail with each one's own word.

    Hosts that failed in this run have said why, and are not waited for.
    """

    def late() -> dict[str, str]:
        members = host.get_fact(Members)
        failed = {other.name for other in state.failed_hosts}
        return {
            name: members[name].fault if name in members else "not a member of the cluster"
            for name in names
            if name not in failed and (name not in members or not members[name].ready)
        }

    waiting = late()
    if not waiting:
        return
    yield StringCommand(
        f"{KUBECTL_PATIENT} wait --for=condition=Ready --timeout={timeout}s",
        *(QuoteString(f"node/{name}") for name in waiting), ">/dev/null 2>&1 || :",
    )  # fmt: skip
    still = late()
    if still:
        yield stop(*(f"{name} is not Ready: {fault}" for name, fault in still.items()), cause="node-not-ready")


@operation()
def settled(timeout: int) -> Commands:
    """Wait until every workload of kube-system has its pods ready; after `timeout` seconds fail naming the others."""
    if not host.get_fact(Unready):
        return
    for kind in ("daemonset", "deployment"):
        yield StringCommand(
            f"for one in $({KUBECTL} get -n kube-system {kind} -o name); do "
            f"{KUBECTL_PATIENT} -n kube-system rollout status --timeout={timeout}s $one >/dev/null 2>&1 || break; done"
        )
    still = host.get_fact(Unready)
    if still:
        yield stop(
            *(f"{one} pods are ready; see: kubectl -n kube-system describe {one.split()[0]}" for one in still),
            cause="workloads-not-ready",
        )


@operation()
def applied(path: str, kept: str | None = None) -> Commands:
    """Have the objects of the manifest at `path` as it says.

    `kept` (kind/name, in kube-system) names an object that somebody else may have put in our manifest's place: theirs
    stays.
    """
    if host.get_fact(ManifestDiffers, path=path, kept=kept):
        yield StringCommand(f"{KUBECTL_PATIENT} apply -f", QuoteString(path))


@operation()
def reported(node: str, version: str, timeout: int) -> Commands:
    """Wait until the kubelet of this host, which is `node`, says that it is of `version`; fail after `timeout` seconds.

    It says so when it registers, which is after it has restarted.
    """
    shown = QuoteString("jsonpath={.status.nodeInfo.kubeletVersion}")
    get = StringCommand(f"{ASK} {KUBELET_CONF} get node", QuoteString(node), "-o", shown)
    says_so = StringCommand(get, "2>/dev/null | grep -qx", QuoteString(version))
    said = "echo 'the kubelet reports another version; it says:'; journalctl -u kubelet -n 3 --no-pager -o cat"
    if not planning():
        yield until(says_so, timeout, said)
