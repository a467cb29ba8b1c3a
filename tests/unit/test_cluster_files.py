"""The folder and its files: missing, unreadable, open to others; and everything said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import load
from cluster.loader import is_this_machine
from tests.unit.cluster_folder import C, M, W, assert_lines, lines_of, write

BASE = "user: paiadmin\n"


def test_good_folder(tmp_path: Path) -> None:
    assert lines_of(write(tmp_path, {})) == []
    cluster = load(tmp_path)
    assert [host.name for host in cluster.hosts] == [
        "dev-box",
        "openpai-master-01",
        *(f"openpai-00{n}" for n in range(1, 5)),
    ]


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    found = lines_of(write(tmp_path, {M: "A,1\n", W: "b,10.0.0.1\nb,10.0.0.1\n", C: "usr: x\n"}))
    assert [line.partition(": ")[0] for line in found] == [C, f"{C}:1", f"{M}:1", f"{M}:1", f"{W}:2"]


@pytest.mark.parametrize("name", [M, W, C])
def test_missing_file(name: str, tmp_path: Path) -> None:
    (write(tmp_path, {}) / name).unlink()
    assert_lines(lines_of(tmp_path), [f"{name}: the file is missing"])


def test_file_that_is_a_folder(tmp_path: Path) -> None:
    (write(tmp_path, {}) / W).unlink()
    (tmp_path / W).mkdir()
    assert_lines(lines_of(tmp_path), [f"{W}: cannot be read: Is a directory"])


def test_missing_folder(tmp_path: Path) -> None:
    assert_lines(lines_of(tmp_path / "none"), [f"{tmp_path / 'none'}: no such folder; make it: python -m cluster init"])


@pytest.mark.parametrize("key", ["password: secret", "docker_registry_username: a\ndocker_registry_password: secret"])
def test_config_with_a_secret_is_private(key: str, tmp_path: Path) -> None:
    write(tmp_path, {C: f"{BASE}{key}\n"})
    assert lines_of(tmp_path) == []
    (tmp_path / C).chmod(0o640)
    assert lines_of(tmp_path) == [
        f"{C}: holds a password and others can read it (mode 0640); run: chmod 600 {tmp_path / C} [file-mode]"
    ]


def test_broken_config_with_a_secret_is_private_too(tmp_path: Path) -> None:
    (write(tmp_path, {C: "password: secret\nuser: [\n"}) / C).chmod(0o644)
    assert lines_of(tmp_path)[0].startswith(f"{C}: holds a password and others can read it (mode 0644)")


def test_config_without_a_secret_may_be_open(tmp_path: Path) -> None:
    (write(tmp_path, {}) / C).chmod(0o644)
    assert lines_of(tmp_path) == []


def test_key_that_others_can_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("")
    key.chmod(0o644)
    write(tmp_path, {C: f"{BASE}ssh_key_file_path: {key}\n"})
    assert_lines(
        lines_of(tmp_path), [f"{C}:2: ssh_key_file_path {key}: others can read it (mode 0644), so ssh refuses it"]
    )


def test_secrets_file_that_others_can_read(tmp_path: Path) -> None:
    (write(tmp_path, {"secrets.yaml": ""}) / "secrets.yaml").chmod(0o644)
    assert_lines(lines_of(tmp_path), ["secrets.yaml: others can read it (mode 0644); run: chmod 600"])


def test_this_machine_is_no_host_of_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.loader.is_this_machine", lambda address: address == "10.0.0.3")
    assert_lines(
        lines_of(write(tmp_path, {})), [f"{W}:3: openpai-003 is the dev box (this machine); use another machine"]
    )


def test_this_machine() -> None:
    assert is_this_machine("127.0.0.1")
    assert not is_this_machine("192.0.2.77")


@pytest.mark.parametrize("value", ['!!int ""', "!!bool x", "!!timestamp x", "!!float x", "!!float"])
def test_a_value_that_does_not_fit_its_tag(value: str, tmp_path: Path) -> None:
    found = lines_of(write(tmp_path, {C: f"{value}\n"}))
    assert_lines(found, [f"{C}:1: column 1: not YAML: a value that does not fit its tag"])
    found = lines_of(write(tmp_path, {C: f"{BASE}ssh_port: {value}\n"}))
    assert_lines(found, [f"{C}:2: ssh_port: a value that YAML cannot read"])


def test_a_key_that_does_not_fit_its_tag(tmp_path: Path) -> None:
    found = lines_of(write(tmp_path, {C: f"{BASE}!!int :\n"}))
    assert_lines(found, [f"{C}:2: : a value that YAML cannot read"])
