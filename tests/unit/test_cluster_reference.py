"""docs/config.md and the example config are what the schema says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cluster import reference
from cluster.config import GROUPS, Config, is_secret, meta_of
from tests.unit.cluster_folder import C, lines_of, write

RENEW = "out of date: run python -m cluster.reference"


def test_the_reference_is_current() -> None:
    assert reference.REFERENCE.read_text() == reference.reference(), RENEW


def test_the_example_is_current() -> None:
    assert reference.EXAMPLE.read_text() == reference.example(), RENEW


def test_the_troubleshooting_is_current() -> None:
    assert reference.TROUBLESHOOTING.read_text() == reference.troubleshooting(), RENEW


def test_the_example_is_a_cluster_that_can_be_used() -> None:
    assert lines_of(reference.EXAMPLE.parent) == []


def test_every_key_of_the_example_is_a_key_once_it_is_uncommented(tmp_path: Path) -> None:
    keys = re.sub(r"^# (?=[a-z0-9_-]+: )", "", reference.example(), flags=re.MULTILINE)
    said = lines_of(write(tmp_path, {C: keys}))
    assert [line for line in said if "unknown key" in line or "expected" in line] == []
    assert set(yaml.safe_load(keys)) == {info.alias or name for name, info in Config.model_fields.items()}


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_key_says_what_it_means(name: str) -> None:
    info = Config.model_fields[name]
    assert info.description and info.description.rstrip().endswith((".", ")")), "end the meaning with a full stop"
    assert info.default is None or not is_secret(name) or info.default == {}


def test_every_key_is_in_one_group() -> None:
    names = [name for group in GROUPS for name in group.__annotations__]
    assert sorted(names) == sorted(Config.model_fields)


@pytest.mark.parametrize("name", [name for name in Config.model_fields if meta_of(name).example])
def test_every_example_is_a_value(name: str) -> None:
    example = yaml.safe_load(meta_of(name).example or "")
    Config.model_validate({"user": "a", Config.model_fields[name].alias or name: example})
