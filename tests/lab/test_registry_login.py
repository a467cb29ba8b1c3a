"""A registry that wants a login, on real hosts: a wrong password is named beforehand, the right one pulls."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

import bcrypt
import pytest

from lab import process, services
from lab.wait import wait_until
from tests.lab.docker_host import write
from tests.lab.harness import new_lab, out, pyinfra

WORKER, USER, PASSWORD = "openpai-001", "puller", "hunter2-of-the-registry"
WRONG = "not-it-at-all"
PORT = 5001
CLIENT = "/root/.docker/config.json"
THEIRS: dict[str, Any] = {
    "auths": {"https://index.docker.io/v1/": {"auth": "dGhlaXJzOnNlY3JldA=="}},
    "HttpHeaders": {"A": "b c"},
}


@pytest.fixture(scope="module")
def lab():
    """A worker, whose root has a login of its own, and a second registry with the lab's images and a password."""
    with new_lab("login", workers=1) as made:
        registry = f"{made.gateway}:{PORT}"
        folder = services.directory(made.state)
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
        (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
        settings = folder / "private.conf"
        settings.write_text(
            "version: 0.1\nlog: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/images}}}}\nhttp: {{addr: '{registry}'}}\n"
            f"auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}\n"
        )
        process.spawn(made.name, "private", ["docker-registry", "serve", str(settings)], folder / "private.log")
        wait_until(lambda: socket.socket().connect_ex((made.gateway, PORT)) == 0, 20)
        out(made, WORKER, "mkdir -p -m 700 /root/.docker")
        write(made, WORKER, CLIENT, json.dumps(THEIRS))
        made.configure(
            gpu_type="none",
            worker_default_docker_runtime="runc",
            openpai_docker_insecure_registries=[f"{made.gateway}:5000", registry],
            docker_registry_domain=registry,
            docker_registry_username=USER,
            docker_registry_password=WRONG,
            docker_check_image=f"{registry}/hello-world",
        )
        yield made


def test_preflight_names_a_login_that_the_registry_refuses(lab, tmp_path):
    report = tmp_path / "report.json"
    run = pyinfra(lab, "--debug", "--data", f"report={report}", file="tasks.preflight.check")
    rows = [row for row in json.loads(report.read_text())["rows"] if row["requirement"] == "verification-images"]
    assert [row["host"] for row in rows] == ["dev-box", "openpai-master-01", WORKER], run.output
    for row in rows:
        assert row["found"].startswith(f"{lab.gateway}:{PORT} refuses the login of {USER}, asked for ")
        assert row["fix"] == "correct docker_registry_username and docker_registry_password"
    shown = run.output + report.read_text()
    assert WRONG not in shown and base64.b64encode(f"{USER}:{WRONG}".encode()).decode() not in shown


def test_with_the_right_one_docker_pulls_and_others_logins_stay(lab):
    image = f"{lab.gateway}:{PORT}/hello-world"
    lab.configure(docker_registry_password=PASSWORD)
    run = pyinfra(lab, file="tasks.preflight.check")
    assert run.status == 0 and "verification-images" not in run.output, run.output
    assert pyinfra(lab, "-y", "--limit", WORKER, file="tasks.apt.go_through_proxy").status == 0
    run = pyinfra(lab, "-y", "--debug", "--limit", WORKER, file="tasks.docker.install")
    assert run.status == 0, run.output
    assert out(lab, WORKER, f"docker pull -q {image}") == f"{image}:latest"
    found = json.loads(out(lab, WORKER, f"cat {CLIENT}"))
    assert found["HttpHeaders"] == THEIRS["HttpHeaders"] and THEIRS["auths"].items() < found["auths"].items()
    assert out(lab, WORKER, f"stat -c '%a %U' {CLIENT}") == "600 root"
    assert PASSWORD not in run.output and found["auths"][f"{lab.gateway}:{PORT}"]["auth"] not in run.output
    again = pyinfra(lab, "-y", "--limit", WORKER, file="tasks.docker.install")
    assert (again.status, again.changed) == (0, 0), again.output
