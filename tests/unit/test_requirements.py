"""requirements.lock is what requirements.txt and requirements-dev.txt allow: exact, with hashes, from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = [
    (requirement, entry.count("--hash=sha256:"))
    for entry in LOCK.replace("\\\n", "").splitlines()
    if entry and not entry.lstrip().startswith("#")
    for requirement in [Requirement(entry.split("--hash")[0])]
]
RANGES = [
    Requirement(line)
    for name in ("requirements.txt", "requirements-dev.txt")
    for line in (ROOT / name).read_text().splitlines()
    if line and not line.startswith(("#", "-"))
]


def locked_for(python):
    """What is locked for a version of Python: some packages have given up older ones."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    return [each for each, _ in LOCKED if each.marker is None or each.marker.evaluate(here)]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("wanted", RANGES, ids=str)
def test_the_lock_satisfies_each_range(wanted, python):
    name = canonicalize_name(wanted.name)
    locked = [each for each in locked_for(python) if canonicalize_name(each.name) == name]
    assert locked, f"{wanted.name} is not locked; run `make lock`"
    (pin,) = locked[0].specifier
    assert pin.version in wanted.specifier, f"{locked[0]} is outside {wanted}; run `make lock`"


def test_each_locked_package_has_one_version_and_hashes():
    loose = [
        str(requirement)
        for requirement, hashes in LOCKED
        if [pin.operator for pin in requirement.specifier] != ["=="] or not hashes
    ]
    assert not loose
    for python in ("3.10", "3.13"):
        names = [canonicalize_name(each.name) for each in locked_for(python)]
        assert len(names) == len(set(names))


def test_the_lock_names_no_place_to_fetch_from():
    assert not re.search(r"://|^\s*-(?!-hash)", LOCK, re.MULTILINE)


def test_the_project_comes_first_so_that_an_old_python_is_refused_before_anything_is_fetched():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "-e ."
    assert re.search(r'^requires-python = ">=', PYPROJECT, re.MULTILINE)


def test_what_is_checked_is_checked_for_the_oldest_python_that_is_let_in():
    """Ubuntu 22.04 has Python 3.10: mypy then finds what its library has not, ruff what its grammar has not."""
    assert 'requires-python = ">=3.10"' in PYPROJECT
    assert 'target-version = "py310"' in PYPROJECT and 'python_version = "3.10"' in PYPROJECT
