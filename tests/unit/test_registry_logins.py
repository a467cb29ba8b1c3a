"""The registry's login on hosts: seen without being shown, put beside others' logins, and known to no log."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cluster.secrets import RegistryLogin
from tasks.docker.facts import CLIENT_CONFIG, Logins
from tasks.docker.operations import logins

AUTH = base64.b64encode(b"me:hunter2").decode()
LOGIN = RegistryLogin("reg.example.com:5000", SecretStr(AUTH))
ENTRY = f'"{LOGIN.server}":{{"auth":"{AUTH}"}}'
OURS: dict[str, Any] = {"auths": {LOGIN.server: {"auth": AUTH}}}
THEIRS: dict[str, Any] = {
    "auths": {"https://index.docker.io/v1/": {"auth": "dGhlaXJz", "email": "x@y"}},
    "HttpHeaders": {"A": "b c"},
}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (None, "absent"),
        ("", "other"),
        ("{not json", "other"),
        (json.dumps(THEIRS), "other"),
        (json.dumps({"auths": {LOGIN.server: {"auth": AUTH[:-4]}}}), "other"),
        (json.dumps({"auths": {f"{LOGIN.server}0": {"auth": AUTH}}}), "other"),
        (json.dumps(OURS), "ours"),
        (json.dumps({"auths": THEIRS["auths"] | OURS["auths"]}, indent="\t"), "ours"),  # as Docker's client writes it
    ],
)
def test_how_a_file_stands_to_the_login_is_seen_and_no_login_is_shown(
    text: str | None, state: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    if text is not None:
        file.write_text(text)
        file.chmod(0o640)
    fact = Logins()
    command = fact.command([str(file), str(tmp_path / "none")]).get_raw_value()
    assert AUTH not in command
    done = subprocess.run(["sh", "-c", command], input=ENTRY, capture_output=True, text=True, timeout=20, check=True)
    first, second = fact.process(done.stdout.splitlines())
    assert (first.partition(" ")[0], second) == (state, "absent")
    assert state != "ours" or first.split()[1] == "640"
    assert AUTH not in done.stdout + done.stderr


class Files:
    """A host that is its files, by path, and begins with root's or none."""

    name = "openpai-001"

    def __init__(self, root: str | None = None) -> None:
        self.files = {} if root is None else {CLIENT_CONFIG: root}
        self.said: list[str] = []

    def get_file(self, path: str, into: Any, **_: Any) -> bool:
        into.write(self.files[path].encode())
        return True

    def put_file(self, source: Any, path: str, **_: Any) -> bool:
        self.files[path] = source.read()
        return True

    def log_styled(self, message: str, **_: Any) -> None:
        self.said.append(message)


def test_others_logins_and_settings_stay_and_a_new_file_begins_with_them() -> None:
    host: Any = Files(root=json.dumps(THEIRS))
    assert logins._log_in(None, host, LOGIN, "/var/lib/kubelet/config.json", CLIENT_CONFIG)
    assert json.loads(host.files[CLIENT_CONFIG]) == THEIRS
    both = {**THEIRS, "auths": {**THEIRS["auths"], **OURS["auths"]}}
    assert json.loads(host.files["/var/lib/kubelet/config.json"]) == both
    assert logins._log_in(None, host, LOGIN, CLIENT_CONFIG, CLIENT_CONFIG)
    assert json.loads(host.files[CLIENT_CONFIG]) == both


def test_a_login_that_changed_is_replaced_whole() -> None:
    before = {"auths": {LOGIN.server: {"auth": "b2xk", "email": "x@y", "identitytoken": "old"}}}
    host: Any = Files(root=json.dumps(before))
    assert logins._log_in(None, host, LOGIN, CLIENT_CONFIG, CLIENT_CONFIG)
    assert json.loads(host.files[CLIENT_CONFIG]) == OURS


def test_where_there_is_no_file_one_is_made() -> None:
    host: Any = Files()
    assert logins._log_in(None, host, LOGIN, CLIENT_CONFIG, None)
    assert json.loads(host.files[CLIENT_CONFIG]) == OURS


@pytest.mark.parametrize("text", ["{not json", "[]", '{"auths": []}'])
def test_a_file_that_cannot_be_read_stays_and_fails_the_host_with_a_sentence(text: str) -> None:
    host: Any = Files(root=text)
    state: Any = Files()  # no more than a key here
    assert not logins._log_in(state, host, LOGIN, CLIENT_CONFIG, CLIENT_CONFIG)
    assert host.files == {CLIENT_CONFIG: text}
    (said,) = host.said
    assert said.startswith(f"{CLIENT_CONFIG} is not valid: ") and "left untouched" in said and AUTH not in said
