"""What is refused or told, by identifier: what is seen, why, and what to do. `python -m cluster explain`."""

from dataclasses import dataclass
from textwrap import fill

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


def explained(identifier: str, width: int | None = None) -> str:
    """What there is to say, as lines of `width` columns, or one for each part. KeyError for an unknown identifier."""
    each = EXPLANATIONS[identifier]
    parts = [("seen:", each.seen), ("why:", each.why), ("do:", each.remedy)]
    if identifier in PREFLIGHT:
        parts.append(("more:", "docs/preflight.md says what is looked at"))
    lines = [f"  {head:6}{text}" for head, text in parts if text]
    return "\n".join([identifier, *(fill(line, width, subsequent_indent=" " * 8) if width else line for line in lines)])


def listed(width: int | None = None) -> str:
    """All of them by area, a line each, of `width` columns at most."""
    column = max(map(len, EXPLANATIONS)) + 2
    lines = []
    for area in AREAS:
        lines += ["", area.title]
        for name, each in area.entries.items():
            line = f"  {name:{column}}{each.seen or each.why}"
            lines.append(f"{line[: width - 3]}..." if width and len(line) > width else line)
    return "\n".join(lines[1:])
