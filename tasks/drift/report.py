"""A dry run's report: what a deploy would change, and what of it is new. Pure."""

import json
from collections.abc import Iterable

HEADING = "A deploy would change:"
NEW = "New since the report before:"


def report(when: str, status: int, plan: str, said: str, before: Iterable[str] = ()) -> str:
    """The text of a report: its first line is the outcome.

    `status` and `plan` are what `pyinfra ... deploy.py --dry --json` ended with and printed, `said` what it said beside
    that; `before` are the changes of the report before.
    """
    found = changes(plan)
    if status or found is None:
        return f"{when}: the dry run failed, status {status}\n\n{said}"
    hosts = {line.partition(": ")[0] for line in found}
    outcome = f"{len(found)} changes on {len(hosts)} hosts" if found else "nothing would change"
    parts = [f"{when}: {outcome}"]
    new = sorted(set(found) - set(before))
    for heading, lines in ((NEW, new), (HEADING, found)):
        if lines:
            parts.append("\n".join([heading, *(f"  {line}" for line in lines)]))
    return "\n\n".join([*parts, said])


def changes(plan: str) -> list[str] | None:
    """Each change of a plan in pyinfra's JSON, as `host: operation`; None where it is no plan."""
    try:
        operations = json.loads(plan)["plan"]
        return sorted(f"{host}: {one['name']}" for one in operations for host in one["hosts_with_change"])
    except (ValueError, TypeError, KeyError):
        return None


def changes_in(text: str) -> list[str]:
    """The changes that a report lists."""
    _, _, listed = text.partition(f"{HEADING}\n")
    return [line.strip() for line in listed.partition("\n\n")[0].splitlines()]
