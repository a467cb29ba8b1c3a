"""Versions: any program's, as numbers; and OpenPAI's, which one a config means and what its installer reads."""

import re
from dataclasses import dataclass

from cluster.config import Config


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, past a `v` or Debian's epoch; none where it begins with a word.

    >>> numbers("v1.21.14"), numbers("5:28.5.2-1~debian.12~bookworm"), numbers("sid")
    ((1, 21, 14), (28, 5, 2), ())
    """
    match = re.match(r"(?:\d+:|v)?(\d+(?:\.\d+)*)", version, re.ASCII)
    return tuple(map(int, match[1].split("."))) if match else ()


def matches(found: str, version: str) -> bool:
    """True when `found`, a Debian version or another, is `version` or begins with it where a number or part ends.

    >>> matches("5:20.10.24~3-0~debian-bookworm", "20.10"), matches("580.159.04", "58")
    (True, False)
    """
    upstream = found.split(":", 1)[-1]
    ends = upstream[len(version) : len(version) + 1] in ("", *".~-+")
    return found == version or (upstream.startswith(version) and ends)


@dataclass(frozen=True, order=True)
class Version:
    """A version of OpenPAI's installer."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return "master" if self == MASTER else f"v{self.major}.{self.minor}.{self.patch}"

    @property
    def takes_layout(self) -> bool:
        """True where the installer reads layout.yaml (v1.5.0 on), false where it reads the CSV files."""
        return self >= Version(1, 5, 0)

    @property
    def series(self) -> str:
        """The two numbers that a branch and its images share."""
        return f"{self.major}.{self.minor}"


OLDEST, NEWEST = Version(1, 0, 0), Version(1, 8, 1)
MASTER = Version(1, 9, 0)  # no release: upstream's branch after v1.8.1
# Where a branch pai-X.Y.y ends; those not named end with patch 1 (upstream's release branches).
_LAST_PATCH = {(1, 5): 0, (1, 6): 0, (1, 7): 0}
DEFAULT = Version(1, 0, 1)  # the guide's pai-1.0.y


def parse(text: str | None) -> Version | None:
    """The version that a branch, tag or number names: pai-1.0.y, v1.8.0, 1.2; None for any other name."""
    if text == "master":
        return MASTER
    match = re.fullmatch(r"(?:pai-|v)?(\d+)\.(\d+)(?:\.(\d+|y))?", text or "", re.ASCII)
    if not match:
        return None
    major, minor = int(match[1]), int(match[2])
    if match[3] in (None, "y"):
        return Version(major, minor, _LAST_PATCH.get((major, minor), 1) if match[3] else 0)
    return Version(major, minor, int(match[3]))


def of(config: Config) -> Version:
    """The version that `config` installs: by its branch, else by its image tag, else the guide's."""
    if config.branch_name:
        return parse(config.branch_name) or parse(config.docker_image_tag) or DEFAULT
    return (parse(config.docker_image_tag) if "docker_image_tag" in config.model_fields_set else None) or DEFAULT


def is_known(version: Version) -> bool:
    """Whether this software knows the version."""
    return OLDEST <= version <= NEWEST or version == MASTER


def reads(version: Version, since: str | None, until: str | None) -> bool:
    """Whether an installer of `version` reads a key that came `since` and was last read `until` a version or series."""
    first, last = parse(since), parse(until)
    series = (version.major, version.minor)
    return (first is None or version >= first) and (last is None or series <= (last.major, last.minor))
