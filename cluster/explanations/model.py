"""What an explanation says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """Why a thing is refused or told, and what to do; `seen` is what the operator reads of it, with ... for its parts.

    Preflight's have no `seen`: the row says what was found.
    """

    why: str
    remedy: str
    seen: str = ""
