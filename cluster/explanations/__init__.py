"""What is refused or told, by identifier: what is seen, why, and what to do. `python -m cluster explain`."""

from dataclasses import dataclass

from cluster.explanations.config import CONFIG
from cluster.explanations.docker import DOCKER
from cluster.explanations.folder import FOLDER
from cluster.explanations.gpu import GPU
from cluster.explanations.hosts import HOSTS
from cluster.explanations.kubernetes import KUBERNETES
from cluster.explanations.model import Explanation
from cluster.explanations.openpai import OPENPAI
from cluster.explanations.preflight import PREFLIGHT

__all__ = ["AREAS", "EXPLANATIONS", "Area", "explained", "listed"]


@dataclass(frozen=True)
class Area:
    """Explanations that belong together, under a title that a reader of the guide knows."""

    title: str
    entries: dict[str, Explanation]


AREAS = (
    Area("The cluster folder", FOLDER),
    Area("config.yaml", CONFIG),
    Area("Reaching the hosts, SSH trust, packages, reboots", HOSTS),
    Area("Preflight", PREFLIGHT),
    Area("Docker", DOCKER),
    Area("GPU driver", GPU),
    Area("Kubernetes", KUBERNETES),
    Area("OpenPAI", OPENPAI),
)
EXPLANATIONS = {identifier: each for area in AREAS for identifier, each in area.entries.items()}


def explained(identifier: str) -> str:
    """What there is to say, as lines. KeyError where nothing has that identifier."""
    each = EXPLANATIONS[identifier]
    lines = [
        identifier,
        *([f"  seen: {each.seen}"] if each.seen else []),
        f"  why:  {each.why}",
        f"  do:   {each.remedy}",
    ]
    return "\n".join([*lines, *(["  what is looked at: docs/preflight.md"] if identifier in PREFLIGHT else [])])


def listed() -> str:
    """All of them in short, by area."""
    width = max(map(len, EXPLANATIONS)) + 2
    return "\n\n".join(
        "\n".join([area.title, *(f"  {name:{width}}{each.seen or each.why}" for name, each in area.entries.items())])
        for area in AREAS
    )
