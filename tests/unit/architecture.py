"""The house as its sources show it: who imports what, in which room that lies, and the picture of it in the docs.

    python -m tests.unit.architecture        # writes picture and table of docs/architecture.md

test_architecture.py holds the rules, and that the document is what this would write.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/architecture.md"
# What the picture shows. The other tests and the benchmarks may look into every room, and nothing imports them.
SHOWN = ("deploy.py", "inventories", "tasks", "cluster", "tests/hosts", "lab")
# Modules of cluster/ itself that stand for the package: what it offers, and its commands.
FRONT = frozenset(("__main__", "loader", "reference"))


@dataclass(frozen=True)
class Import:
    """One name that a file imports, wherever in the file; `name` is empty for `import module`."""

    file: Path
    line: int
    module: str
    name: str = ""

    @property
    def full(self) -> str:
        """What is imported, with all its dots."""
        return f"{self.module}.{self.name}".strip(".")

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.full}"


def imports(*paths: str) -> Iterator[Import]:
    """Every import in the Python files at or below `paths`, which are relative to the checkout."""
    for path in paths:
        for file in _files(path):
            yield from _imports_of(file, file.relative_to(ROOT))


@cache
def _imports_of(file: Path, place: Path) -> list[Import]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), file)):
        if isinstance(node, ast.Import):
            found += [Import(place, node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = place.parts[: -node.level] if node.level else ()
            module = ".".join(filter(None, [*package, node.module]))
            found += [Import(place, node.lineno, module, alias.name) for alias in node.names]
    return found


def room(path: Path | str) -> str:
    """The room of a file or of a dotted name: a package of tasks/, a wing or a module of cluster/, else a folder."""
    words = path.with_suffix("").parts if isinstance(path, Path) else tuple(path.split("."))
    words = words[:-1] if words[-1] == "__init__" else words
    if words[0] == "tests" or (words[0] == "tasks" and len(words) > 1):
        return "/".join(words[:2])
    if words[0] == "cluster" and len(words) > 1 and words[1] not in FRONT:
        inside = ROOT / "cluster" / words[1]
        return f"cluster/{words[1]}" if inside.is_dir() or inside.with_suffix(".py").exists() else "cluster"
    return words[0]


def offered(package: str) -> set[str]:
    """The names that a package has for others: its `__all__`, or without one all that its `__init__.py` imports."""
    stated = getattr(importlib.import_module(package), "__all__", None)
    door = f"{package.replace('.', '/')}/__init__.py"
    return {one.name or one.module for one in imports(door)} if stated is None else set(stated)


def arrows(*paths: str) -> dict[str, set[str]]:
    """The rooms below `paths`, each with those of them that it imports from."""
    found: dict[str, set[str]] = {room(file.relative_to(ROOT)): set() for path in paths for file in _files(path)}
    for one in imports(*paths):
        source, target = room(one.file), room(one.full)
        if target != source and target in found:
            found[source].add(target)
    found.pop("tasks", None)  # a namespace: it holds nothing itself
    return found


def _files(path: str) -> list[Path]:
    return [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("*.py"))


def direct(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """`graph`, which has no circle, without the arrows that follow from others (its transitive reduction)."""
    reached: dict[str, set[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        reached[name] = graph[name].union(*(reached[target] for target in graph[name]))
    return {
        name: {one for one in targets if not any(one in reached[other] for other in targets - {one})}
        for name, targets in graph.items()
    }


def picture() -> str:
    """The rooms and their import arrows, as a Mermaid flowchart."""
    graph = direct(arrows(*SHOWN))
    lines = ["```mermaid", "flowchart TD"]
    for house in ("tasks", "cluster"):
        rooms = [name for name in sorted(graph) if name.partition("/")[0] == house]
        lines += [
            f'  subgraph in_{house}["{house}/"]',
            *(f"    {_box(name, name.removeprefix(f'{house}/'))}" for name in rooms),
            "  end",
        ]
    lines += [f"  {_box(name, name)}" for name in sorted(graph) if name.partition("/")[0] not in ("tasks", "cluster")]
    lines += [f"  {_id(name)} --> {_id(target)}" for name in sorted(graph) for target in sorted(graph[name])]
    return "\n".join([*lines, "```"])


def _box(name: str, label: str) -> str:
    return f'{_id(name)}["{"deploy.py" if name == "deploy" else label}"]'


def _id(name: str) -> str:
    return name.replace("/", "_")


def table() -> str:
    """A line a room of tasks/ and cluster/: its path, and what its docstring says."""
    lines = ["| room | what is in it |", "|---|---|"]
    for name in sorted(arrows("tasks", "cluster"), key=lambda name: (not name.startswith("tasks/"), name)):
        package, module = ROOT / name / "__init__.py", ROOT / f"{name}.py"
        path, source = (f"{name}/", package) if package.exists() else (f"{name}.py", module)
        said = (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").splitlines()[0]
        lines.append(f"| `{path}` | {said} |")
    return "\n".join(lines)


def written(document: str) -> str:
    """`document` with its picture and its table as they should be."""
    for name, text in (("picture", picture()), ("rooms", table())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        head, _, rest = document.partition(begin)
        _, _, tail = rest.partition(end)
        document = f"{head}{begin}\n{text}\n{end}{tail}"
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
