"""Who may import whom: the rules of the layout, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Every import below `folder`, wherever it stands in its file, as (file:line, full name of what is imported)."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(), file)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
                names = [".".join(filter(None, [*package, node.module, alias.name])) for alias in node.names]
            else:
                continue
            yield from ((f"{file.relative_to(ROOT)}:{node.lineno}", name) for name in names)


def forbidden(folder: str, *packages: str) -> list[str]:
    """The imports below `folder` of anything in `packages`, for a message."""
    return [f"{place} imports {name}" for place, name in imports(folder) if name.partition(".")[0] in packages]


def test_the_verification_shares_no_code_with_the_deploy_that_it_judges() -> None:
    assert forbidden("tests/hosts", "tasks", "lab", "pyinfra") == []


def test_imports_are_found_in_every_form(tmp_path, monkeypatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text(
        "import tasks\nfrom tasks.x import y\ndef f():\n    import tasks.z as z\nfrom .. import lab\nfrom . import c\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert [name for _, name in imports("a")] == ["tasks", "tasks.x.y", "lab", "a.c", "tasks.z"]
    assert forbidden("a", "lab") == ["a/b.py:5 imports lab"]
