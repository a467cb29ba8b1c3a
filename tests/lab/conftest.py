"""Labs for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.api import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of 1 dev box, 1 master and 2 workers for tests that leave its hosts as they found them."""
    shared = Lab("tests")
    shared.down()
    shared.up(workers=2)
    yield shared
    shared.down()


@pytest.fixture(scope="module")
def make_lab() -> Iterator[Callable[..., Lab]]:
    """Makes a lab of a name with what Lab.up takes, new and for one module; taken down after it."""
    made: list[Lab] = []

    def make(name: str, **wanted: Any) -> Lab:
        lab = Lab(name)
        lab.down()
        made.append(lab)
        lab.up(**wanted)
        return lab

    yield make
    for lab in made:
        lab.down()
