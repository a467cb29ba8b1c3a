"""The facts that tasks/ defines, found by importing all of it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from pyinfra.api import FactBase

import tasks
from tasks.reach import Fact


def every_fact() -> set[type[FactBase[Any]]]:
    """The facts that tasks/ defines, wherever."""
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        importlib.import_module(module.name)
    found: set[type[FactBase[Any]]] = set()
    left: list[type[FactBase[Any]]] = [FactBase]
    while left:
        subclasses = left.pop().__subclasses__()
        left.extend(subclasses)
        found.update(each for each in subclasses if each.__module__.startswith("tasks.") and each is not Fact)
    return found
