"""Which images are asked for, where, and how a registry's answers are read: by curl, by wget, and by bash alone."""

from __future__ import annotations

import base64
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from cluster import Cluster, Config, Host, Role
from tasks.preflight import images
from tasks.preflight.facts import program
from tasks.preflight.requirements.openpai import openpai_images
from tasks.preflight.snapshot import Reply
from tests.unit.preflight_survey import DEV_BOX, MASTER, OTHER, WORKER, changed, rows, surveyed

HOSTS = {
    "dev": Host("dev-box", "@local", Role.DEV_BOX),
    "master": Host("m", "10.0.0.1", Role.MASTER),
    "worker": Host("w", "10.0.0.2", Role.WORKER),
    "second": Host("x", "10.0.0.3", Role.WORKER),
}
MANIFEST = Path(__file__).parents[2] / "files/preflight/manifest.sh"
TOOLS = ["bash", "cat", "echo", "head", "mktemp", "printf", "rm", "sed", "sh", "tail", "timeout", "tr"]
LOGIN = "Basic " + base64.b64encode(b"me:hunter2").decode()


def cluster(**keys: object) -> Cluster:
    config = Config.model_validate({"user": "u", "docker_image_tag": "v1.8.0", **keys})
    return Cluster(Path("/c"), HOSTS["dev"], (HOSTS["master"],), (HOSTS["worker"], HOSTS["second"]), config)


def test_each_image_is_asked_for_where_it_is_pulled_and_once() -> None:
    made = cluster(openpai_services="essential")
    assert images.pulled(made, HOSTS["dev"]) == ["openpai/dev-box:v1.8.0"]
    on_master, on_worker = images.pulled(made, HOSTS["master"]), images.pulled(made, HOSTS["worker"])
    assert "openpai/rest-server:v1.8.0" in on_master and "openpai/openpai-runtime:v1.8.0" not in on_master
    assert set(on_worker) == {
        "everpeace/k8s-host-device-plugin:latest",
        "openpai/log-manager-cleaner:v1.8.0",
        "openpai/log-manager-nginx:v1.8.0",
        "openpai/openpai-runtime:v1.8.0",
    }
    assert images.pulled(made, HOSTS["second"]) == []
    assert images.pulled(cluster(paictl="python2"), HOSTS["dev"]) == []
    assert not [image for host in HOSTS.values() for image in images.pulled(cluster(openpai=False), host)]


@pytest.mark.parametrize(
    ("image", "urls"),
    [
        ("busybox:1.31.1", ["https://registry-1.docker.io/v2/library/busybox/manifests/1.31.1"]),
        ("a/b", ["https://registry-1.docker.io/v2/a/b/manifests/latest"]),
        ("reg:5000/a/b:c", ["https://reg:5000/v2/a/b/manifests/c"]),
        ("reg.example.com/b@sha256:0", ["https://reg.example.com/v2/b/manifests/sha256:0"]),
        ("10.0.0.9:5000/b:c", ["http://10.0.0.9:5000/v2/b/manifests/c"]),
    ],
)
def test_where_a_manifest_is_asked_for(image: str, urls: list[str]) -> None:
    config = cluster(openpai_docker_insecure_registries=["10.0.0.9:5000"]).config
    assert [target.url for target in images.manifests(image, config)] == urls


def test_mirrors_are_asked_before_docker_hub_and_the_login_goes_to_its_own_registry_alone() -> None:
    keys = {"docker_registry_domain": "reg", "docker_registry_username": "me", "docker_registry_password": "hunter2"}
    config = cluster(openpai_docker_registry_mirrors=["http://mirror:5000/"], **keys).config
    assert [(one.client, one.url) for one in images.manifests("prom/a:b", config)] == [
        ("image", "http://mirror:5000/v2/prom/a/manifests/b"),
        ("image", "https://registry-1.docker.io/v2/prom/a/manifests/b"),
    ]
    assert [one.client for one in images.manifests("reg.example.com/a:b", config)] == ["image"]
    login = images.registry_login(config)
    assert login and login.get_secret_value() == LOGIN and "hunter2" not in repr(login)
    assert images.registry_login(cluster().config) is None


@pytest.mark.parametrize(
    ("mirror", "hub", "said"),
    [
        (200, 404, None),
        (404, 200, None),
        (404, 404, "is not there (HTTP status 404)"),
        (404, 0, "is not there (HTTP status 404)"),  # a cluster without a way out
        (404, 429, None),  # too busy to say
        (0, 0, None),  # `registries` says that
        (401, 401, "needs a login, or is not there (HTTP status 401)"),
    ],
)
def test_an_image_is_missing_where_nobody_has_it(mirror: int, hub: int, said: str | None) -> None:
    keys = {"openpai": True, "docker_image_tag": "v1.8.0", "openpai_services": "essential"}
    survey = surveyed("bookworm", **keys, openpai_fuse_plugin_image="e/fuse:1")
    asked = [target.id for target in images.manifests("e/fuse:1", survey.config)]
    replies = {id: Reply(status, "") for id, status in zip(asked, (mirror, hub), strict=True)}
    for name in (DEV_BOX, MASTER, WORKER, OTHER):
        survey = changed(survey, name, replies=survey.snapshots[name].replies | replies)
    found = rows(survey, openpai_images.id)
    assert {row.host for row in found} == ({MASTER, WORKER} if said else set())
    assert all(row.found == f"e/fuse:1 {said}" for row in found)


@dataclass
class Registry:
    """A registry with one image `open:1` for all, `token:1` for tokens, and `private:1` for a login."""

    address: str = ""
    tokens_asked: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.tokens_asked.append(self.path)
            body = b'{\n "token": "t0ken", "expires_in": 300\n}\n'
            if "private" in self.path and self.headers.get("Authorization") != LOGIN:
                return self.answer(401)
            self.answer(200, body=body)

        def do_HEAD(self) -> None:
            made.accepted.append(self.headers.get("Accept", ""))
            repository = self.path.split("/")[2]
            given = self.headers.get("Authorization")
            realm = f'realm="http://{made.address}/token"'
            bearer = f'Bearer {realm},service="a registry",scope="repository:{repository}:pull"'
            if repository in ("token", "private") and given != "Bearer t0ken":
                self.answer(401, bearer)
            elif repository == "basic" and given != LOGIN:
                self.answer(401, 'Basic realm="here"')
            else:
                self.answer(200 if self.path.endswith("/1") else 404)

        def answer(self, status: int, challenge: str = "", body: bytes = b"") -> None:
            self.send_response(status)
            if challenge:
                self.send_header("Www-Authenticate", challenge)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["curl", "wget", "bash"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the programs that a host has, and one HTTP client or none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in {*TOOLS, request.param}:
        found = shutil.which(tool)
        if found is None:
            # `make test` installs every one of them; unit tests alone run on machines that have what they have.
            pytest.skip(f"this machine has no {tool}, which some hosts have; make packages installs it")
        (folder / tool).symlink_to(found)
    return folder


def asked(client: Path, registry: Registry, path: str, how: str = "image") -> str:
    """What manifest() prints, without its ID."""
    url = f"http://{registry.address}/v2/{path}"
    script = f"dir={client.parent} CONNECT=5 LOGIN='{LOGIN}'\n. {MANIFEST}\nmanifest id {how} - {url}\n"
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, env={"PATH": str(client)}, timeout=30)
    assert done.stdout.startswith("id "), done.stderr
    assert not list(client.parent.glob("tmp.*"))  # the file with the login
    return done.stdout.removeprefix("id ").strip()


@pytest.mark.parametrize(
    ("path", "how", "status"),
    [
        ("open/manifests/1", "image", "200"),
        ("open/manifests/2", "image", "404"),
        ("token/manifests/1", "image", "200"),
        ("token/manifests/2", "image", "404"),
        ("private/manifests/1", "image", "401"),
        ("private/manifests/1", "image-login", "200"),
        ("basic/manifests/1", "image", "401"),
        ("basic/manifests/1", "image-login", "200"),
    ],
)
def test_a_registry_is_asked_as_docker_asks(client: Path, registry: Registry, path: str, how: str, status: str) -> None:
    assert asked(client, registry, path, how) == status
    assert all("manifest.list.v2+json" in one and "oci.image.index" in one for one in registry.accepted)
    for one in registry.tokens_asked:
        assert one == f"/token?service=a%20registry&scope=repository:{path.split('/')[0]}:pull"


def test_a_registry_that_is_not_there_has_no_status(client: Path) -> None:
    assert asked(client, Registry("127.0.0.1:9"), "open/manifests/1").startswith("000")


def test_the_login_reaches_the_host_by_standard_input() -> None:
    given = program([], [], ["/var"], 0, None, SecretStr(LOGIN)).getvalue().decode()
    assert f"LOGIN='{LOGIN}'" in given
