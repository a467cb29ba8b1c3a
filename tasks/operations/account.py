"""A user's groups.

pyinfra's server.user replaces groups by default, reads every account with lastlog, and never settles where the group is
the user's primary one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, QuoteString, StringCommand, operation


class GroupsOf(FactBase[list[str]]):
    """The groups of a user, primary one included; none for an unknown user."""

    default = list

    def command(self, user: str) -> StringCommand:
        return StringCommand("id", "-nG", QuoteString(user), "2>/dev/null || :")

    def process(self, output: list[str]) -> list[str]:
        return " ".join(output).split()


@operation()
def member(user: str, group: str) -> Generator[Any]:
    """Add `user` to `group`, keeping the user's other groups; the group is made if a package has not."""
    if group not in host.get_fact(GroupsOf, user=user):
        yield StringCommand("groupadd", "-f", QuoteString(group))
        yield StringCommand("usermod", "-aG", QuoteString(group), QuoteString(user))
