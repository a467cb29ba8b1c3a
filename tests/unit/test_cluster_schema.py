"""The schema of config.yaml itself: versions, paths, what its messages show."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cluster import Config, load, versions
from tests.unit.cluster_folder import C, lines_of, write

BASE = "user: paiadmin\n"


def test_no_message_of_the_schema_shows_a_value() -> None:
    with pytest.raises(ValidationError) as error:
        Config.model_validate(
            {"user": "a", "password": "hunter2\nhunter2", "docker_registry_password": 5, "x": "hunter2"}
        )
    assert "hunter2" not in str(error.value)


def test_the_key_file_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").touch(mode=0o600)
    assert load(write(tmp_path, {C: BASE + "ssh_key_file_path: ~/key\n"})).config.ssh_key_file_path == f"{tmp_path}/key"


@pytest.mark.parametrize(
    ("keys", "version"),
    [
        ({}, "v1.0.1"),
        ({"branch_name": "pai-1.0.y"}, "v1.0.1"),
        ({"branch_name": "v1.0.0"}, "v1.0.0"),
        ({"branch_name": "pai-1.5.y"}, "v1.5.0"),
        ({"branch_name": "pai-1.8.y"}, "v1.8.1"),
        ({"branch_name": "master"}, "master"),
        ({"docker_image_tag": "v1.8.0"}, "v1.8.0"),
        ({"docker_image_tag": "mine"}, "v1.0.1"),
        ({"branch_name": "mine", "docker_image_tag": "v1.3.0"}, "v1.3.0"),
    ],
)
def test_the_version_that_a_config_means(keys: dict[str, str], version: str) -> None:
    assert str(versions.of(Config.model_validate({"user": "a"} | keys))) == version


def test_aliases_that_multiply_are_not_written_out(tmp_path: Path) -> None:
    lists = ["&a0 [x]", *(f"&a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 12))]
    found = lines_of(write(tmp_path, {C: f"{BASE}no_proxy: [{', '.join(lists)}]\n"}))
    said = "expected text, found a list; write one value [key-value]"
    assert set(found) == {f"{C}:2: no_proxy[{number}]: {said}" for number in range(1, 13)}
