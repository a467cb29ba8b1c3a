"""docs/preflight.md's table of requirements, from the requirements themselves.

`python -m tasks.preflight.reference` writes it; a test keeps it true.
"""

from pathlib import Path

from cluster import Role
from tasks.preflight.verdict import REQUIREMENTS

DOCUMENT = Path(__file__).parents[2] / "docs/preflight.md"
BEGIN, END = "<!-- requirements: begin -->", "<!-- requirements: end -->"


def table() -> str:
    """One line a requirement, in the order of the report."""
    lines = ["| id | hosts | severity | what is needed |", "| --- | --- | --- | --- |"]
    for each in REQUIREMENTS:
        hosts = "all" if each.roles == frozenset(Role) else ", ".join(role for role in Role if role in each.roles)
        lines.append(f"| `{each.id}` | {hosts.replace('_', ' ')} | {each.severity} | {each.meaning} |")
    return "\n".join(lines)


def written(document: str) -> str:
    """`document` with its table as it should be."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
