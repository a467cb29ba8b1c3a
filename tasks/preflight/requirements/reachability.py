"""Requirements on the network: hosts reach each other, the proxy, package sources and registries."""

from collections.abc import Iterable

from cluster import Host, Problem, Role
from cluster.kubernetes import BINARIES, binary_sha256
from cluster.openpai import paictl_image
from tasks.preflight import targets
from tasks.preflight.facts import Target
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
    for other, answers in missed.items():
        expected = sum(host != other for host, _ in hosts)
        if len(answers) == expected > 1:
            reasons = ", ".join(sorted(set(answers.values())))
            found = f"no other host reaches {other.address}:{port} ({reasons})"
            fix = "check this host's firewall and its network"
            yield other, shortfall(found, "open to the cluster's hosts", fix)
        else:
            for host, answer in answers.items():
                found = f"{other.name} ({other.address}:{port}): {answer}"
                fix = f"check routes and firewalls between {host.name} and {other.name}"
                yield host, shortfall(found, "every host reaches every other", fix)


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
    if subject.gets_docker and not subject.keeps_docker and "docker-ce" not in subject.seen.packages:
        yield from _source(subject, "docker-source", "docker_apt_mirror")


@each_host("nvidia-source", WORKERS, when=lambda config: config.gpu_type == "nvidia")
def nvidia_source(subject: Subject) -> Iterable[Problem]:
    """nvidia_toolkit_apt_mirror answers, where the container toolkit is not installed yet."""
    if "nvidia-container-toolkit" not in subject.seen.packages:
        yield from _source(subject, "nvidia-source", "nvidia_toolkit_apt_mirror")


@each_host("package-sources", EVERY, Severity.SHOULD)
def package_sources(subject: Subject) -> Iterable[Problem]:
    """Every package source of the host answers; the deploy itself asks its own and the distribution's alone."""
    seen = subject.seen
    if any(seen.peers.get(each) != "ok" for each in targets.proxies(subject.config)):
        return
    for source, reply in seen.sources.items():
        if not _answered(reply, login=True):
            fix = "mend or disable it; without the distribution's own no package can be installed"
            yield shortfall(f"{source}: {reply.said or f'HTTP status {reply.status}'}", "an answer", fix)


@each_host("kubernetes-source", CONTROLLED, when=lambda config: config.installer == "kubeadm")
def kubernetes_source(subject: Subject) -> Iterable[Problem]:
    """kubernetes_mirror has the version that is to be installed, where no kubelet is installed yet."""
    if subject.seen.kubelet:
        return
    config, asked = subject.config, _targets(subject)
    for id in targets.kubernetes_sources(config, subject.host.role):
        reply = subject.seen.replies.get(id)
        # A mirror need not have the sums of programs whose sum is known.
        known = id.partition(":")[2] in BINARIES and binary_sha256(config, id.partition(":")[2], "amd64")
        if not (known and reply and reply.status == 404):
            fix = "check kubernetes_mirror, kubernetes_version, *_url, the proxy and the firewall"
            yield from _unanswered(subject, asked[id], fix=fix)


@each_host("registries", EVERY)
def registries(subject: Subject) -> Iterable[Problem]:
    """Every registry that images come from answers; for Docker Hub one of its mirrors is enough."""
    config, asked = subject.config, _targets(subject)
    mirrors = [target for id, target in asked.items() if id.startswith("mirror:")]
    mirrored = any(not _unanswered(subject, each, registry=True) for each in mirrors)
    for name in targets.registries(config):
        if name == targets.DOCKER_HUB and mirrored:
            continue
        if subject.host.role is Role.DEV_BOX and name != targets.registry_of(paictl_image(config)):
            continue
        fix = "check the name, the proxy and the firewall, or name a mirror (openpai_docker_registry_mirrors, *_repo)"
        yield from _unanswered(subject, asked[f"registry:{name}"], registry=True, fix=fix)


def _targets(subject: Subject) -> dict[str, Target]:
    return {target.id: target for target in targets.targets(subject.survey.cluster, subject.host)}


def _source(subject: Subject, id: str, keys: str) -> Iterable[Problem]:
    return _unanswered(subject, _targets(subject)[id], fix=f"check {keys}, the proxy and the firewall")


def _unanswered(subject: Subject, target: Target, registry: bool = False, fix: str = "") -> list[Problem]:
    """Nothing where the target answered well. A proxy that is down has its own row, and is not repeated for each URL.

    A registry answers 401 to those who do not log in, and is there.
    """
    seen = subject.seen
    if target.proxy and any(seen.peers.get(each) != "ok" for each in targets.proxies(subject.config)):
        return []
    reply = seen.replies.get(target.id)
    if reply and _answered(reply, login=registry):
        return []
    url = target.url.replace("@id@", seen.os.id).replace("@codename@", seen.os.codename)
    reason = (reply.said or f"HTTP status {reply.status}") if reply else NO_ANSWER
    through = f" through {target.proxy}" if target.proxy else ""
    return [shortfall(f"{url}{through}: {reason}", "an answer", fix)]


def _answered(reply: Reply, login: bool) -> bool:
    """Whether the reply is a good one; `login`: or that of somebody who wants one."""
    return 200 <= reply.status < 400 or (login and reply.status in (401, 403))


ALL = (peers, proxy, docker_source, nvidia_source, package_sources, kubernetes_source, registries)
