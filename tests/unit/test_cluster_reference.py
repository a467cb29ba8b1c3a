"""docs/config.md and the example config are what the schema says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cluster import reference
from cluster.config import GROUPS, Config, is_secret, meta_of
from tests.unit.cluster_folder import C, M, W, lines_of, write

RENEW = "out of date: run python -m cluster.reference"


def test_the_reference_is_current() -> None:
    assert reference.REFERENCE.read_text() == reference.reference(), RENEW


def test_the_example_is_current() -> None:
    assert reference.EXAMPLE.read_text() == reference.example(), RENEW


def test_the_troubleshooting_is_current() -> None:
    assert reference.TROUBLESHOOTING.read_text() == reference.troubleshooting(), RENEW


def test_the_example_is_a_cluster_but_for_what_is_to_be_edited(tmp_path: Path) -> None:
    """`check` names each line to be edited, and with these edited nothing more."""
    folder = reference.EXAMPLE.parent
    config, masters, workers = (folder / name for name in (C, M, W))
    places = [one.partition(": ")[0] for one in lines_of(folder)]
    lines = config.read_text().splitlines()
    edited = [number for number, line in enumerate(lines, 1) if re.match("[a-z].*: <your-", line)]
    assert [lines[number - 1].partition(":")[0] for number in edited] == ["user", "password"]
    assert places == [*(f"{C}:{number}" for number in edited), f"{M}:1", *(f"{W}:{number}" for number in range(1, 5))]
    own = re.sub("<your-ssh-(.*)>", r"\1", config.read_text())
    hosts = {path.name: path.read_text().replace("192.0.2.", "10.0.2.") for path in (masters, workers)}
    assert lines_of(write(tmp_path, {C: own, **hosts})) == []


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
