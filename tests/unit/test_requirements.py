"""requirements.lock is what requirements.txt and requirements-dev.txt allow: exact, with hashes, from anywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = {
    canonicalize_name(requirement.name): (requirement, entry.count("--hash=sha256:"))
    for entry in LOCK.replace("\\\n", "").splitlines()
    if entry and not entry.lstrip().startswith("#")
    for requirement in [Requirement(entry.split("--hash")[0])]
}
RANGES = [
    Requirement(line)
    for name in ("requirements.txt", "requirements-dev.txt")
    for line in (ROOT / name).read_text().splitlines()
    if line and not line.startswith(("#", "-"))
]


@pytest.mark.parametrize("wanted", RANGES, ids=str)
def test_the_lock_satisfies_each_range(wanted):
    assert canonicalize_name(wanted.name) in LOCKED, f"{wanted.name} is not locked; run `make lock`"
    locked, _ = LOCKED[canonicalize_name(wanted.name)]
    (pin,) = locked.specifier
    assert pin.version in wanted.specifier, f"{locked} is outside {wanted}; run `make lock`"


def test_each_locked_package_has_one_version_and_hashes():
    loose = [
        str(requirement)
        for requirement, hashes in LOCKED.values()
        if [pin.operator for pin in requirement.specifier] != ["=="] or not hashes
    ]
    assert not loose


def test_the_lock_names_no_place_to_fetch_from():
    assert not re.search(r"://|^\s*-(?!-hash)", LOCK, re.MULTILINE)


def test_the_project_comes_first_so_that_an_old_python_is_refused_before_anything_is_fetched():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "-e ."
    assert PROJECT["requires-python"]
