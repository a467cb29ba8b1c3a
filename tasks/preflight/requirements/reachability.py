"""Requirements on the network: hosts reach each other, the proxy, package sources and registries."""

from collections.abc import Iterable

from cluster import Config, Host, Problem, Role
from cluster.kubernetes import BINARIES, binary_sha256
from cluster.names import short
from tasks.preflight import targets
from tasks.preflight.facts import Target
from tasks.preflight.firewall import kept_out
from tasks.preflight.model import (
    CONTROLLED,
    EVERY,
    WORKERS,
    Severity,
    Subject,
    Survey,
    across_hosts,
    each_host,
    shortfall,
)
from tasks.preflight.snapshot import Reply, Snapshot

NO_ANSWER = "no answer"
# What those say who want a login: they are there.
LOGIN = frozenset({401, 403})


@across_hosts("peers", EVERY)
def peers(survey: Survey, hosts: list[tuple[Host, Snapshot]]) -> Iterable[tuple[Host, Problem]]:
    """Every host reaches every other's sshd. A host that is down is one row of its own, not one for each other."""
    port = survey.config.ssh_port
    missed: dict[Host, dict[Host, str]] = {}
    for host, seen in hosts:
        for other in survey.cluster.hosts:
            if other == host or other.is_local or other.name in survey.absent:
                continue
            answer = seen.peers.get(f"{other.address}:{port}", NO_ANSWER)
            if answer != "ok":
                missed.setdefault(other, {})[host] = answer
    lost: dict[tuple[Host, str], list[str]] = {}
    for other, answers in missed.items():
        expected = sum(host != other for host, _ in hosts)
        if len(answers) == expected > 1:
            reasons = ", ".join(sorted(set(answers.values())))
            found = f"no other host reaches {other.address}:{port} ({reasons})"
            fix = "check this host's firewall and its network"
            yield other, shortfall(found, "open to the cluster's hosts", fix)
        else:
            for host, answer in answers.items():
                lost.setdefault((host, answer), []).append(other.name)
    for (host, answer), others in lost.items():
        found = f"no way to port {port} of {short(others)}: {answer}"
        yield host, shortfall(found, "every host reaches every other", "check routes and firewalls between them")


@each_host("firewall", CONTROLLED, when=lambda config: config.installer != "none", needs_root=True)
def firewall(subject: Subject) -> Iterable[Problem]:
    """ufw, where it is active, lets in what comes from the cluster's hosts and pods; the deploy never changes it."""
    host, seen, cluster = subject.host, subject.seen, subject.survey.cluster
    master = host.role is Role.MASTER
    # The dev box asks the API, and nothing of workers.
    asking = [each for each in cluster.hosts if each is not cluster.dev_box or (master and not each.is_local)]
    addresses = [each.address for each in asking if each != host]
    pods = subject.config.kube_pods_subnet
    closed = kept_out(seen.firewall, host.address, seen.interface_of(host.address), addresses, pods)
    if closed:
        more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
        yield shortfall(
            f"ufw is active and keeps out {', '.join(closed[:3])}{more}",
            f"{_ports(subject.config, master)} open to the cluster's hosts and pods ({pods})",
            "as root on the host: `ufw allow from NETWORK` for the networks of both, or `ufw disable`",
        )


def _ports(config: Config, master: bool) -> str:
    """What Kubernetes listens to on a node, in words."""
    tcp = ["10250", *(["6443", "2379", "2380"] if master else [])]
    if config.openpai_kube_network_plugin != "calico":
        return f"TCP {', '.join(tcp)}"
    if config.calico_encapsulation == "vxlan":
        return f"TCP {', '.join(tcp)} and UDP 4789 (VXLAN)"
    return f"TCP {', '.join([*tcp, '179'])} and IP-in-IP"


@each_host("proxy", EVERY, when=lambda config: bool(targets.proxies(config)))
def proxy(subject: Subject) -> Iterable[Problem]:
    """The configured proxies answer."""
    for each in targets.proxies(subject.config):
        answer = subject.seen.peers.get(each, NO_ANSWER)
        if answer != "ok":
            yield shortfall(
                f"{each}: {answer}", "a proxy that answers", "check http_proxy and https_proxy, or the proxy"
            )


@each_host("docker-source", EVERY)
def docker_source(subject: Subject) -> Iterable[Problem]:
    """The package source of docker_apt_mirror answers, where Docker's packages are not installed yet."""
    if subject.gets_docker and not subject.keeps_docker and targets.ENGINE not in subject.seen.packages:
        yield from _source(subject, "docker-source", "docker_apt_mirror")


@each_host("nvidia-source", WORKERS, when=lambda config: config.gpu_type == "nvidia")
def nvidia_source(subject: Subject) -> Iterable[Problem]:
    """nvidia_toolkit_apt_mirror answers, where the container toolkit is not installed yet."""
    if targets.TOOLKIT not in subject.seen.packages:
        yield from _source(subject, "nvidia-source", "nvidia_toolkit_apt_mirror")


@each_host("package-sources", EVERY, Severity.SHOULD)
def package_sources(subject: Subject) -> Iterable[Problem]:
    """Every package source of the host answers; the deploy itself asks its own and the distribution's alone."""
    seen = subject.seen
    if any(seen.peers.get(each) != "ok" for each in targets.proxies(subject.config)):
        return
    for source, reply in seen.sources.items():
        if not _answered(reply, LOGIN):
            fix = "mend or disable it; without the distribution's own no package can be installed"
            yield shortfall(f"{source}: {_words(reply)}", "an answer", fix)


@each_host("kubernetes-source", CONTROLLED, when=lambda config: config.installer == "kubeadm")
def kubernetes_source(subject: Subject) -> Iterable[Problem]:
    """kubernetes_mirror has the version that is to be installed, where no kubelet is installed yet."""
    if subject.seen.kubelet:
        return
    config, asked = subject.config, targets_of(subject)
    for id in targets.kubernetes_sources(config, subject.host.role):
        reply = subject.seen.replies.get(id)
        # A mirror need not have the sums of programs whose sum is known.
        known = id.partition(":")[2] in BINARIES and binary_sha256(config, id.partition(":")[2], "amd64")
        if not (known and reply and reply.status == 404):
            fix = "check kubernetes_mirror, kubernetes_version, *_url, the proxy and the firewall"
            yield from unanswered(subject, asked[id], fix=fix)


def targets_of(subject: Subject) -> dict[str, Target]:
    """What the host was asked to reach, by id."""
    return {target.id: target for target in targets.targets(subject.survey.cluster, subject.host)}


def _source(subject: Subject, id: str, keys: str) -> Iterable[Problem]:
    return unanswered(subject, targets_of(subject)[id], fix=f"check {keys}, the proxy and the firewall")


def _words(reply: Reply) -> str:
    return reply.said or (f"HTTP status {reply.status}" if reply.status else NO_ANSWER)


def unanswered(subject: Subject, target: Target, also: frozenset[int] = frozenset(), fix: str = "") -> list[Problem]:
    """Nothing where the target answered well, or with one of the statuses `also`.

    A proxy that is down has its own row, and is not repeated for each URL.
    """
    seen = subject.seen
    if target.proxy and any(seen.peers.get(each) != "ok" for each in targets.proxies(subject.config)):
        return []
    reply = seen.replies.get(target.id)
    if reply and _answered(reply, also):
        return []
    url = target.url.replace("@id@", seen.os.id).replace("@codename@", seen.os.codename)
    reason = _words(reply) if reply else NO_ANSWER
    through = f" through {target.proxy}" if target.proxy else ""
    return [shortfall(f"{url}{through}: {reason}", "an answer", fix)]


def _answered(reply: Reply, also: frozenset[int]) -> bool:
    return 200 <= reply.status < 400 or reply.status in also


ALL = (peers, firewall, proxy, docker_source, nvidia_source, package_sources, kubernetes_source)
