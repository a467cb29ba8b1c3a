"""`python -m cluster explain`: every requirement of preflight, and nothing that is none."""

from __future__ import annotations

import re

import pytest

from cluster.config import Config
from cluster.explanations import EXPLANATIONS
from tasks.preflight.verdict import REQUIREMENTS
from tests.unit.test_cluster_cli import run


def test_every_requirement_is_explained_in_the_order_of_the_document() -> None:
    assert list(EXPLANATIONS) == [one.id for one in REQUIREMENTS]


def test_the_keys_that_are_named_exist() -> None:
    known = {name for key, info in Config.model_fields.items() for name in (key, info.alias)} | {"allow_disruption"}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", " ".join(" ".join(both) for both in EXPLANATIONS.values())))
    assert named - known <= {"cgroup_enable", "unified_cgroup_hierarchy"}, named - known


def test_one_is_said_and_all_are_listed() -> None:
    one = run("explain", "gpu-driver")
    assert one.exit_code == 0 and one.output.startswith("gpu-driver\n  why: ") and "\n  do:  " in one.output
    every = run("explain")
    assert every.exit_code == 0 and len(every.output.splitlines()) == len(EXPLANATIONS)


@pytest.mark.parametrize(("word", "said"), [("gpu-drivr", "did you mean gpu-driver?"), ("xyz", "explain lists them")])
def test_another_word_is_refused(word: str, said: str) -> None:
    result = run("explain", word)
    assert result.exit_code == 1 and said in result.stderr and result.stderr.count("\n") == 1
