"""Where the password comes from, that no secret shows, and that OpenPAI's secrets are made once."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from cluster import Cluster, ClusterError, load, secrets
from tasks.reach import inventory
from tests.unit.cluster_folder import CONFIG, C, write


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(secrets.ENVIRONMENT, raising=False)


def cluster(folder: Path, keys: str = "") -> Cluster:
    return load(write(folder, {C: CONFIG + keys}))


def plain(found: Cluster) -> str | None:
    password = secrets.password(found)
    return password.get_secret_value() if password else None


def test_no_password(tmp_path: Path) -> None:
    assert plain(cluster(tmp_path)) is None


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cluster(tmp_path, "password: in the file\n")
    assert plain(found) == "in the file"
    monkeypatch.setenv(secrets.ENVIRONMENT, "in the environment")
    assert plain(found) == "in the environment"
    monkeypatch.setenv(secrets.ENVIRONMENT, "")
    assert plain(found) == "in the file"


def test_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    monkeypatch.setattr("getpass.getpass", getpass)
    found = cluster(tmp_path, "ask_password: true\n")
    assert [plain(found), plain(found)] == ["typed", "typed"]
    assert asked == ["Password of paiadmin on the hosts: "]


def test_no_terminal_to_ask_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(
        ClusterError, match=r"config.yaml: ask_password is set, and there is no terminal to ask on; set"
    ):
        secrets.password(cluster(tmp_path, "ask_password: true\n"))


def test_no_secret_shows(tmp_path: Path) -> None:
    keys = "password: hunter2\nopenpai_admin_password: hunter2hunter2\nopenpai_kubespray_extra_var: {token: hunter2}\n"
    found = cluster(tmp_path, keys + "docker_registry_username: a\ndocker_registry_password: hunter2\n")
    for text in (repr(found), str(found), f"{found.config!r}{found.config}", repr(secrets.services(found))):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("domain", "server"),
    [
        ("docker.io", "https://index.docker.io/v1/"),  # as Docker and the kubelet call it
        ("reg.example.com:5000", "reg.example.com:5000"),
        ("reg.example.com/group", "reg.example.com"),
    ],
)
def test_the_registrys_login_is_as_dockers_client_keeps_it(domain: str, server: str, tmp_path: Path) -> None:
    keys = f"docker_registry_domain: {domain}\ndocker_registry_username: me\ndocker_registry_password: 'p:w'\n"
    login = secrets.registry_login(cluster(tmp_path, keys).config)
    assert login and login.server == server and "p:w" not in repr(login)
    assert base64.b64decode(login.auth.get_secret_value()) == b"me:p:w"
    assert login.auth.get_secret_value() not in repr(login)
    assert secrets.registry_login(cluster(tmp_path).config) is None


def test_services_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    found = cluster(tmp_path)
    first, second = secrets.services(found), secrets.services(found)
    assert first == second
    values = [getattr(first, name).get_secret_value() for name in first.__dataclass_fields__]
    assert len(set(values)) == 7 and all(len(value) == 33 for value in values)
    assert stat.S_IMODE((tmp_path / "secrets.yaml").stat().st_mode) == 0o600


def test_the_configs_admin_password_counts_and_is_not_copied(tmp_path: Path) -> None:
    found = cluster(tmp_path, "openpai_admin_password: hunter2hunter2\n")
    assert secrets.services(found).admin_password == SecretStr("hunter2hunter2")
    assert "hunter2" not in (tmp_path / "secrets.yaml").read_text()


def test_values_of_a_running_cluster_are_kept(tmp_path: Path) -> None:
    found = cluster(tmp_path)
    (tmp_path / "secrets.yaml").write_text("postgresql_password: rootpass\n")
    (tmp_path / "secrets.yaml").chmod(0o600)
    made = secrets.services(found)
    assert made.postgresql_password.get_secret_value() == "rootpass"
    kept = yaml.safe_load((tmp_path / "secrets.yaml").read_text())
    assert kept["postgresql_password"] == "rootpass"
    assert kept["jwt_secret"] == made.jwt_secret.get_secret_value()


@pytest.mark.parametrize(
    ("text", "mode", "line"),
    [
        ("jwt_secret: hunter2\n", 0o644, r"secrets.yaml: others can read it; run: chmod 600"),
        ("jwt_secret: 5\n", 0o600, r"secrets.yaml:1: not a map of names to text; put every value in quotes"),
        ("- hunter2\n", 0o600, r"secrets.yaml:1: not a map of names to text"),
        ("jwt_secret: hunter2'x\n", 0o600, r"secrets.yaml: jwt_secret: OpenPAI's templates break other signs than"),
        ("jwt_secret: [hunter2\n", 0o600, r"secrets.yaml:2: column 1: not YAML"),
    ],
)
def test_secrets_file_that_cannot_be_used(text: str, mode: int, line: str, tmp_path: Path) -> None:
    found = cluster(tmp_path)
    (tmp_path / "secrets.yaml").write_text(text)
    (tmp_path / "secrets.yaml").chmod(mode)
    with pytest.raises(ClusterError, match=line) as error:
        secrets.services(found)
    assert "hunter2" not in str(error.value)


def test_no_secret_in_a_dump_of_the_config(tmp_path: Path) -> None:
    assert "hunter2" not in cluster(tmp_path, "password: hunter2\n").config.model_dump_json()


def test_the_inventory_asks_and_says_why_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    cluster(tmp_path / "prod", "ask_password: true\n")
    with pytest.raises(SystemExit, match=r"config.yaml: ask_password is set, and there is no terminal to ask on"):
        inventory.groups(tmp_path / "prod.py")
    monkeypatch.setenv(secrets.ENVIRONMENT, "given")
    assert [name for name, _ in inventory.groups(tmp_path / "prod.py")[1]] == ["@cluster/openpai-master-01"]
