"""The mark that this deploy leaves on a node which it takes out of service: why, since when, and how far it came.

A node that is cordoned without it is somebody else's affair. Pure: text in, a Mark out.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from cluster.words import StrEnum

# The annotation of a node that has the mark.
CORDONED = "openpai-deploy/cordoned"


class Stage(StrEnum):
    """How far a node that is out of service has come."""

    DRAINING = "draining"
    """Its pods are leaving: nothing of the host has changed yet, so it may go back into service at once."""
    CHANGING = "changing"
    """Its pods have left and the change began: it goes back into service only once it is verified."""


@dataclass(frozen=True)
class Mark:
    """Why a node is out of service, since when (UTC, ISO 8601), and its stage."""

    why: str
    since: str
    stage: Stage

    def text(self) -> str:
        """The annotation's value."""
        return json.dumps(asdict(self))


def now(why: str, stage: Stage) -> Mark:
    """A mark of this moment."""
    return Mark(why, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), stage)


def read_mark(text: str | None) -> Mark | None:
    """The mark in an annotation's value; None where there is no annotation.

    A value of another form is an earlier release's, which marked nodes that it rebooted.
    """
    if text is None:
        return None
    try:
        found = json.loads(text)
        return Mark(str(found["why"]), str(found["since"]), Stage(found["stage"]))
    except (ValueError, KeyError, TypeError):
        return Mark(text, "", Stage.DRAINING)
