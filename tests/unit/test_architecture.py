"""Who may import whom: the rules of the layout, read from the sources, and docs/architecture.md's word for it."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.unit import architecture
from tests.unit.architecture import DOCUMENT, FRONT, ROOT, Import, arrows, direct, imports, offered, room, written

PRODUCTION = ("deploy.py", "config.py", "inventories", "tasks", "cluster")
EVERYTHING = (*PRODUCTION, "lab", "openpai_deploy", "tests", "bench")
ROOMS = sorted(path.parent.name for path in (ROOT / "tasks").glob("*/__init__.py"))
WINGS = sorted(path.parent.name for path in (ROOT / "cluster").glob("*/__init__.py"))


def forbidden(folder: str, *packages: str) -> list[str]:
    """The imports below `folder` of anything in `packages`, for a message."""
    return [str(one) for one in imports(folder) if one.full.partition(".")[0] in packages]


def from_outside(house: str, *paths: str) -> list[tuple[str, Import]]:
    """Each import below `paths` that reaches into a package of `house` from outside of it, with the package's name."""
    return [
        (room(one.full).replace("/", "."), one)
        for one in imports(*paths)
        if (ROOT / room(one.full) / "__init__.py").is_file()
        and room(one.full).startswith(f"{house}/")
        and room(one.file) != room(one.full)
    ]


def around_the_door(house: str, *paths: str) -> list[str]:
    """The imports of `from_outside` that take anything but the package or a name that the package offers."""
    return [
        str(one)
        for package, one in from_outside(house, *paths)
        if one.full != package and not (one.module == package and one.name in offered(package))
    ]


def test_there_is_something_to_judge() -> None:
    assert {"docker", "gpu", "kubernetes", "preflight", "reach"} <= set(ROOMS)
    assert {"checks", "config", "files", "kubernetes", "openpai"} <= set(WINGS)
    assert len(from_outside("tasks", *PRODUCTION)) > 100 and len(from_outside("cluster", *EVERYTHING)) > 100
    assert {"detached", "render"} <= offered("tasks.reach") and "Access" not in offered("cluster.config")


def test_a_concern_is_entered_by_its_package() -> None:
    assert around_the_door("tasks", *PRODUCTION) == []


def test_a_wing_is_entered_by_its_package() -> None:
    assert around_the_door("cluster", *EVERYTHING) == []


def test_every_name_that_a_wing_offers_is_used_elsewhere() -> None:
    used = {one.full for _, one in from_outside("cluster", *EVERYTHING)}
    packages = [f"cluster.{wing}" for wing in WINGS]
    assert {f"{one}.{name}" for one in packages for name in offered(one)} - used == set()


def test_no_circle() -> None:
    tuple(TopologicalSorter(arrows(*EVERYTHING)).static_order())  # CycleError names the rooms of a circle


def test_the_domain_is_pure() -> None:
    assert forbidden("cluster", "pyinfra", "tasks", "lab", "tests", "bench") == []


def test_the_lab_and_the_benches_know_nothing_of_the_tests() -> None:
    assert [*forbidden("lab", "tests", "bench"), *forbidden("bench", "tests")] == []


def test_production_knows_nothing_of_the_lab_and_the_tests() -> None:
    assert [line for path in PRODUCTION for line in forbidden(path, "lab", "tests", "bench")] == []


def test_the_verification_shares_no_code_with_the_deploy_that_it_judges() -> None:
    assert forbidden("tests/hosts", "tasks", "lab", "pyinfra") == []


def test_the_document_shows_the_house_as_it_is() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == written(document), "run `python -m tests.unit.architecture`"


def test_the_document_names_nothing_that_is_not_there() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:cluster|tasks|files|templates|tests|lab|bench|docs|inventories)/[\w./-]*)`", document)
    names = re.findall(r"`(\w+)(?:\(\))?` in `([\w./-]+\.\w+)`", document)
    assert len(paths) > 30 and len(names) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [(name, path) for name, path in names if name not in (ROOT / path).read_text(encoding="utf-8")] == []


def test_what_is_copied_and_rendered_lies_under_the_name_of_its_room() -> None:
    folders = {path.name for folder in ("files", "templates") for path in (ROOT / folder).iterdir()}
    assert folders - {*ROOMS, *WINGS, *FRONT} == set()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout in the place of this one."""
    monkeypatch.setattr(architecture, "ROOT", tmp_path)
    for folder in ("cluster/files", "tasks/a", "tasks/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    return tmp_path


def test_imports_are_found_in_every_form(house: Path) -> None:
    (house / "tasks/a/b.py").write_text(
        "import tasks\nfrom tasks.x import y\ndef f():\n    import tasks.z as z\nfrom ... import lab\nfrom . import c\n"
    )
    found = [(one.line, one.full) for one in imports("tasks/a/b.py")]
    assert found == [(1, "tasks"), (2, "tasks.x.y"), (5, "lab"), (6, "tasks.a.c"), (4, "tasks.z")]


def test_rooms_and_arrows(house: Path) -> None:
    (house / "cluster/model.py").touch()
    (house / "cluster/loader.py").write_text("from cluster.model import Host\nfrom cluster import files\n")
    (house / "tasks/a/deploy.py").write_text("from tasks import b\nfrom cluster import Host, model\n")
    (house / "tasks/b/deploy.py").write_text("import tasks.b.facts\nfrom cluster.model import Host\n")
    found = arrows("tasks", "cluster")
    assert found["tasks/a"] == {"tasks/b", "cluster", "cluster/model"}
    assert (found["tasks/b"], found["cluster"]) == ({"cluster/model"}, {"cluster/model", "cluster/files"})
    assert direct(found)["tasks/a"] == {"tasks/b", "cluster"}, "the arrow to the model follows from either"
    (house / "tasks/b/facts.py").write_text("import tasks.a\n")
    with pytest.raises(CycleError, match="tasks/a"):
        direct(arrows("tasks", "cluster"))
