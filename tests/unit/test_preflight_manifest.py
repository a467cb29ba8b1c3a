"""How a registry is asked for an image and its answers are read: by curl, by wget, and by bash alone."""

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

from tasks.preflight.facts import REFUSED

MANIFEST = Path(__file__).parents[2] / "files/preflight/manifest.sh"
TOOLS = ["bash", "cat", "echo", "head", "mktemp", "printf", "rm", "sed", "sh", "tail", "timeout", "tr"]
LOGIN = "Basic " + base64.b64encode(b"me:hunter2").decode()


@dataclass
class Registry:
    """A registry with one image `open:1` for all, `token:1` for tokens, `private:1` and `basic:1` for a login.

    `moved:1` is sent on to `open:1`; `basic-moved:1` wants a login and is sent on to a place that must not get it.
    """

    address: str = ""
    strayed: list[str] = field(default_factory=list)
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
            if repository == "elsewhere" and given:
                made.strayed.append(given)
            if repository in ("moved", "lost") or (repository == "basic-moved" and given):
                there = {"moved": "open", "lost": "open", "basic-moved": "elsewhere"}[repository]
                tag = "2" if repository == "lost" else "1"
                return self.answer(307, location=f"http://{made.address}/v2/{there}/manifests/{tag}")
            realm = f'realm="http://{made.address}/token"'
            bearer = f'Bearer {realm},service="a registry",scope="repository:{repository}:pull"'
            if repository in ("token", "private") and given != "Bearer t0ken":
                self.answer(401, bearer)
            elif repository in ("basic", "basic-moved") and given != LOGIN:
                self.answer(401, 'Basic realm="here"')
            else:
                self.answer(200 if self.path.endswith("/1") else 404)

        def answer(self, status: int, challenge: str = "", body: bytes = b"", location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
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
            pytest.skip(f"this machine has no {tool}, which some hosts have; make test-packages installs it")
        (folder / tool).symlink_to(found)
    return folder


def asked(client: Path, url: str, how: str = "image", login: str = LOGIN, before: str = "") -> str:
    """What manifest() prints, without its ID."""
    given = f"dir={client.parent} CONNECT=5 LOGIN='{login}' REFUSED='{REFUSED}'\n{before}\n"
    script = f"{given}. {MANIFEST}\nmanifest id {how} - {url}\n"
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
        ("basic/manifests/2", "image-login", "404"),
    ],
)
def test_a_registry_is_asked_as_docker_asks(client: Path, registry: Registry, path: str, how: str, status: str) -> None:
    assert asked(client, f"http://{registry.address}/v2/{path}", how) == status
    assert all("manifest.list.v2+json" in one and "oci.image.index" in one for one in registry.accepted)
    for one in registry.tokens_asked:
        assert one == f"/token?service=a%20registry&scope=repository:{path.split('/')[0]}:pull"


@pytest.mark.parametrize("repository", ["private", "basic"])
def test_a_login_that_is_refused_is_told_from_none(client: Path, registry: Registry, repository: str) -> None:
    wrong = "Basic " + base64.b64encode(b"me:hunter3").decode()
    url = f"http://{registry.address}/v2/{repository}/manifests/1"
    assert asked(client, url, "image-login", wrong) == f"401 {REFUSED}"
    assert asked(client, url, "image-login", "") == "401"


@pytest.mark.parametrize("client", ["curl", "wget"], indirect=True)  # for bash, who sends on has the image
def test_who_is_sent_on_follows_and_takes_no_login_along(client: Path, registry: Registry) -> None:
    place = f"http://{registry.address}/v2"
    assert asked(client, f"{place}/moved/manifests/1") == "200"
    assert asked(client, f"{place}/lost/manifests/1") == "404"
    assert asked(client, f"{place}/basic-moved/manifests/1", "image-login") == "307"
    assert registry.strayed == []


@pytest.mark.parametrize(("said", "status"), [("401 Unauthorized", "200"), ("200", "200"), ("000 No route", "000")])
def test_without_curl_and_wget_apts_helper_sees_that_an_https_registry_is_there(
    tmp_path: Path, said: str, status: str
) -> None:
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "/nowhere")
    helper = f'url() {{ [ "$2 $4" = "apt https://reg.example.com/v2/" ] && echo "$1 {said}"; }}'
    assert asked(tmp_path, "https://reg.example.com/v2/a/manifests/1", before=helper).split(" ")[0] == status


def test_a_registry_that_is_not_there_has_no_status(client: Path) -> None:
    assert asked(client, "http://127.0.0.1:9/v2/open/manifests/1").startswith("000")
