"""The REST client against a server that speaks OpenPAI's words, and the first job as it is submitted."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import yaml
from pydantic import SecretStr

from tasks.openpai.jobs import Kind, first_job, job_name, kinds, virtual_clusters
from tasks.openpai.rest import Rest, RestError

SERVICES = """
hivedscheduler:
  config: |
    physicalCluster: {}
    virtualClusters:
      default:
        virtualCells:
        - cellType: h100-x8-NODE-POOL.h100-x8-NODE
          cellNumber: 2
      vc1:
        virtualCells:
        - cellType: cpu-16-NODE-POOL.cpu-16-NODE
          cellNumber: 1
"""


class _Server(ThreadingHTTPServer):
    seen: list[tuple[str, str, str | None, str]]


class _Api(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *args):
        pass

    def _answer(self, status, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization"), body))
        if self.path.endswith("/basic/login"):
            form = parse_qs(body)
            if form["password"] == ["right & proper"]:
                self._answer(200, {"token": "the-token"})
            else:
                self._answer(400, {"code": "IncorrectPasswordError", "message": "Password is incorrect."})
        else:
            self._answer(202, {"message": "ok"})

    do_PUT = do_POST

    def do_GET(self):
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization"), ""))
        if "old" in self.path:
            self._answer(404, {"code": "NoApiError", "message": f"API {self.path} is not found."})
        elif self.path.startswith("/log-manager/"):
            self._answer(200, b"GPU 0: NVIDIA H100")
        elif self.path.endswith("/logs"):
            self._answer(200, {"locations": [{"name": "all", "uri": "/log-manager/10.0.0.1:9103/all?token=t"}]})
        elif "broken" in self.path:
            self._answer(200, b"<html>")
        elif "gone" in self.path:
            self._answer(502, b"Bad Gateway")
        else:
            self._answer(200, {"jobStatus": {"state": "RUNNING"}})


@pytest.fixture
def api():
    server = _Server(("127.0.0.1", 0), _Api)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def rest(api):
    return Rest(lambda port: http.client.HTTPConnection("127.0.0.1", api.server_address[1], timeout=5))


def test_a_login_gives_the_token_to_what_follows(rest, api):
    rest.login("admin", SecretStr("right & proper"))
    rest.submit({"name": "a"})
    assert rest.state("admin~a") == {"state": "RUNNING"}
    assert rest.log("admin~a", "first") == "GPU 0: NVIDIA H100"
    rest.stop("admin~a")
    rest.change_password("admin", SecretStr("old"), SecretStr("new"))
    assert [token for _, _, token, _ in api.seen] == [None, *["Bearer the-token"] * 6]
    assert api.seen[-1][1:] == (
        "/rest-server/api/v2/users/admin/password", "Bearer the-token", '{"oldPassword": "old", "newPassword": "new"}'
    )  # fmt: skip
    assert not [path for _, path, _, _ in api.seen if "right" in path or "new" in path]


def test_a_wrong_password_is_openpais_own_word(rest):
    with pytest.raises(RestError, match="Password is incorrect") as refused:
        rest.login("admin", SecretStr("wrong"))
    assert refused.value.code == "IncorrectPasswordError"


def test_an_openpai_without_logs_is_told_from_one_that_has_none_yet(rest):
    assert rest.log("admin~old", "first") is None


@pytest.mark.parametrize(("job", "said"), [("broken", "not OpenPAI's"), ("gone", "status 502")])
def test_what_is_not_an_answer_is_one_sentence(rest, job, said):
    with pytest.raises(RestError, match=said):
        rest.state(job)


def test_a_port_that_nobody_listens_on_is_one_sentence(api):
    port = api.server_address[1]
    api.shutdown()
    api.server_close()
    with pytest.raises(RestError, match="port 80 of the master does not answer"):
        Rest(lambda _: http.client.HTTPConnection("127.0.0.1", port, timeout=2)).state("a")


def test_every_kind_of_machine_is_found_in_a_virtual_cluster_that_has_it():
    assert kinds(SERVICES) == [Kind("h100-x8", "default"), Kind("cpu-16", "vc1")]
    assert virtual_clusters(SERVICES) == ["default", "vc1"]
    assert kinds("cluster: {}") == [Kind("")] and virtual_clusters("cluster: {}") == []


def test_a_job_asks_for_its_kind_by_hiveds_own_words():
    job = yaml.safe_load(yaml.safe_dump(first_job("n", "cuda:12", Kind("h100-x8", "vc1"), ["nvidia-smi"])))
    assert job["extras"]["hivedScheduler"]["taskRoles"]["first"] == {"skuNumber": 1, "skuType": "h100-x8"}
    assert job["defaults"] == {"virtualCluster": "vc1"}
    assert "extras" not in first_job("n", "cuda:12", Kind(""), [])


def test_a_jobs_name_has_openpais_characters():
    assert job_name(Kind("NVIDIA_H100 80GB"), 7) == "first-job-nvidia-h100-80gb-7"
    assert job_name(Kind(""), 7) == "first-job-7"
