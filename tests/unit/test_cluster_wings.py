"""The wings of cluster/ know each other by their packages only, in one direction, and no pyinfra."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WINGS = sorted(path.parent.name for path in (ROOT / "cluster").glob("*/__init__.py"))


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The modules that a file imports, with the names that it takes from each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names]


def wing_of(path: Path) -> str:
    folder = path.relative_to(ROOT / "cluster").parts[0]
    return folder if folder in WINGS else ""


def foreign() -> Iterator[tuple[Path, str, str, list[str]]]:
    """Each import from a wing by a file outside of it: the file, the wing, the module, and the names."""
    for folder in ("cluster", "tasks", "lab", "inventories", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for module, names in imports(path):
                _, _, rest = module.partition("cluster.")
                wing = rest.partition(".")[0]
                if module.startswith("cluster.") and wing in WINGS and not path.is_relative_to(ROOT / "cluster" / wing):
                    yield path, wing, module, names


def test_there_are_wings() -> None:
    assert WINGS == ["checks", "config", "files", "kubernetes", "openpai"]
    assert len(list(foreign())) > 20


def test_a_wing_is_known_by_its_package() -> None:
    inside = [(str(path), module) for path, wing, module, _ in foreign() if module != f"cluster.{wing}"]
    hidden = [
        (str(path), name)
        for path, wing, module, names in foreign()
        for name in names
        if name not in importlib.import_module(f"cluster.{wing}").__all__
    ]
    assert (inside, hidden) == ([], [])


def test_every_name_that_a_wing_offers_is_used_elsewhere() -> None:
    used = {(wing, name) for _, wing, _, names in foreign() for name in names}
    offered = {(wing, name) for wing in WINGS for name in importlib.import_module(f"cluster.{wing}").__all__}
    assert offered - used == set()


def test_no_circle() -> None:
    arrows: dict[str, set[str]] = {}
    for path, wing, _, _ in foreign():
        if path.is_relative_to(ROOT / "cluster") and wing_of(path):
            arrows.setdefault(wing_of(path), set()).add(wing)
    tuple(TopologicalSorter(arrows).static_order())  # CycleError names the wings of a circle


def test_the_domain_is_pure() -> None:
    modules = {module.partition(".")[0] for path in (ROOT / "cluster").rglob("*.py") for module, _ in imports(path)}
    assert modules & {"pyinfra", "tasks", "lab", "tests"} == set()
