"""Requirements on images: their registries answer, have them, and give them to these hosts."""

from collections.abc import Iterable

from cluster import Problem, Role
from tasks.preflight import images, targets
from tasks.preflight.facts import REFUSED, Target
from tasks.preflight.model import EVERY, Severity, Subject, each_host, shortfall
from tasks.preflight.requirements.reachability import LOGIN, NO_ANSWER, targets_of, unanswered
from tasks.preflight.snapshot import Reply

# What an answer without the image says.
_ABSENT = {401: "needs a login, or is not there", 403: "may not be pulled", 404: "is not there"}
# Answers of a registry that is there; one that is too busy (429) may have the image.
_THERE = frozenset({*_ABSENT, 429})


@each_host("registries", EVERY)
def registries(subject: Subject) -> Iterable[Problem]:
    """Every host reaches the registries of the images that it pulls; for Docker Hub one of its mirrors is enough."""
    cluster, wanted = subject.survey.cluster, targets_of(subject)
    by_registry: dict[str, list[Target]] = {}
    for one in images.asked(cluster, subject.host):
        if one.deploy:
            by_registry.setdefault(targets.registry_of(one.name), []).extend(images.manifests(one.name, cluster))
    for asked in by_registry.values():
        yield from _silent(subject, asked, _THERE)
    for name in targets.registries(subject.config) if subject.host.role is not Role.DEV_BOX else []:
        mirrors = [target for id, target in wanted.items() if id.startswith("mirror:") and name == targets.DOCKER_HUB]
        yield from _silent(subject, [*mirrors, wanted[f"registry:{name}"]], LOGIN)


@each_host("images", EVERY)
def deployed(subject: Subject) -> Iterable[Problem]:
    """Every image that the deploy pulls can be had from its registry or a mirror; asked from one host of each role."""
    return _lacking(subject, deploy=True)


@each_host("verification-images", EVERY, Severity.SHOULD)
def verified(subject: Subject) -> Iterable[Problem]:
    """So can those of the verification and the first job: docker_check_image, cuda_image, first_job_image."""
    return _lacking(subject, deploy=False)


def _lacking(subject: Subject, deploy: bool) -> Iterable[Problem]:
    """What is wrong with each image; where a registry refuses the config's login, that is said once."""
    cluster, refused = subject.survey.cluster, []
    if not images.asks_for_all(cluster, subject.host):
        return
    for one in images.asked(cluster, subject.host):
        if one.deploy is not deploy:
            continue
        asked = images.manifests(one.name, cluster)
        replies = [subject.seen.replies.get(target.id, Reply(0, NO_ANSWER)) for target in asked]
        absent = [reply for reply in replies if reply.status in _ABSENT]
        silent = [reply for reply in replies if reply.status == 0]
        # Whoever does not answer at all gives no image; a registry that is too busy (429, 503) may have it.
        if absent and len(absent) + len(silent) == len(replies):
            status = absent[-1].status
            if absent[-1].said == REFUSED:
                refused.append(one.name)
                continue
            login = " and docker_registry_username, the login for docker_registry_domain," if status in LOGIN else ","
            yield shortfall(
                f"{one.name} {_ABSENT[status]} (HTTP status {status})",
                "an image that can be pulled",
                f"check {one.keys}{login} or push the image",
            )
        elif not deploy:
            yield from _silent(subject, asked, _THERE)
    if refused:
        more = f" and {len(refused) - 1} more" if refused[1:] else ""
        yield shortfall(
            f"{subject.config.docker_registry_domain} refuses the login of {subject.config.docker_registry_username}, "
            f"asked for {refused[0]}{more}",
            "a login that may pull",
            "correct docker_registry_username and docker_registry_password",
        )


def _silent(subject: Subject, asked: list[Target], answers: frozenset[int]) -> list[Problem]:
    """Nothing where one of `asked` answered; else what is wrong with the last, the registry after its mirrors."""
    fix = "check the name, the proxy and the firewall, or name a mirror (openpai_docker_registry_mirrors, *_repo)"
    found = [unanswered(subject, target, answers, fix) for target in asked]
    return found[-1] if all(found) else []


ALL = (registries, deployed, verified)
