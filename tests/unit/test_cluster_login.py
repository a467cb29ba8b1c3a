"""What the hosts are logged in to with: passwords that YAML cuts off, and nothing at all."""

from pathlib import Path

import pytest

from cluster import load
from tests.unit.cluster_folder import C, lines_of, write

BASE = "user: paiadmin\n"


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("password: pass #word", True),
        ("docker_registry_password: a  # b", True),
        ("password: 'pass #word'", False),
        ("password: pass#word", False),
        ("ssh_port: 22 # sshd's", False),
        ("# password: pass #word", False),
    ],
)
def test_a_password_that_yaml_cuts_off_is_warned_of(line: str, cut: bool, tmp_path: Path) -> None:
    found = [one for one in lines_of(write(tmp_path, {C: f"{BASE}{line}\n"})) if "where YAML begins a comment" in one]
    assert len(found) == cut and not [one for one in found if "pass" in one.partition("word:")[2]]


def test_nothing_to_log_in_with_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, home = write(tmp_path / "c", {C: BASE}), tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK")
    monkeypatch.delenv("OPENPAI_PASSWORD", raising=False)
    (said,) = lines_of(folder)
    assert said.startswith(f"{C}: warning: no password, no key and no agent") and load(folder)
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").touch()
    assert lines_of(folder) == []
