"""The lab's REST: OpenPAI's routes, codes and states."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.openpai.services import jwt
from lab.openpai.services.rest import people
from tests.unit.openpai_cluster import HIVED, PASSWORD, OpenPai, job, openpai

JOBS = "/api/v2/jobs"


@pytest.fixture
def pai(tmp_path: Path) -> Iterator[OpenPai]:
    with openpai(tmp_path) as services:
        yield services


@pytest.fixture
def token(pai: OpenPai) -> str:
    return pai.login()[1]["token"]


def until(found: Callable[[], Any], wanted: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while (seen := found()) != wanted:
        assert time.monotonic() < deadline, f"{seen!r} instead of {wanted!r}"
        time.sleep(0.05)


def state(pai: OpenPai, token: str, name: str = "first") -> str:
    return pai.call("GET", f"{JOBS}/admin~{name}", token=token)[1]["jobStatus"]["state"]


def test_only_the_right_password_gets_in(pai: OpenPai) -> None:
    status, told = pai.login()
    assert (status, told["user"], told["admin"]) == (200, "admin", True)
    assert pai.login("wrong-horse") == (
        400,
        {"code": "IncorrectPasswordError", "message": "Password is incorrect."},
    )
    assert pai.login(name="nobody")[1]["code"] == "NoUserError"
    status, told = pai.login("short")
    assert (status, told["code"]) == (400, "InvalidParametersError")
    assert told["message"] == ('child "password" fails because ["password" length must be at least 6 characters long]')


def test_nothing_is_told_without_a_token(pai: OpenPai) -> None:
    assert pai.call("GET", JOBS)[1]["message"] == "Guest is not allowed to do this operation."
    forged = jwt.sign({"username": "admin"}, "jwtsecret", 60)
    assert pai.call("GET", JOBS, token=forged) == (
        401,
        {"code": "UnauthorizedUserError", "message": "Your token is invalid."},
    )
    status, told = pai.call("GET", "/api/v2/nothing", token=None)
    assert (status, told["message"]) == (404, "API /api/v2/nothing is not found.")


def test_passwords_are_kept_as_openpai_keeps_them(pai: OpenPai) -> None:
    hexed = b"admin".hex()
    kept = pai.api.users.get("admin")
    assert f"/api/v1/namespaces/pai-user-v2/secrets/{hexed}" in pai.kube.objects
    assert kept and kept["password"] == people.encrypt("admin", PASSWORD) != PASSWORD
    assert len(kept["password"]) == 128


def test_the_configured_password_counts_at_the_first_start_only(pai: OpenPai) -> None:
    pai.found("another-password")
    assert pai.login()[0] == 200
    assert pai.login("another-password")[0] == 400


def test_a_job_runs_and_its_log_is_found(pai: OpenPai, token: str) -> None:
    status, told = pai.call("POST", JOBS, job(), token, "yaml")
    assert (status, told["message"]) == (202, "Update job first for user admin successfully.")
    until(lambda: state(pai, token), "SUCCEEDED")
    _, detail = pai.call("GET", f"{JOBS}/admin~first", token=token)
    task = detail["taskRoles"]["taskrole"]["taskStatuses"][0]
    assert (task["taskState"], task["containerExitCode"], task["containerNodeName"]) == ("SUCCEEDED", 0, "worker-1")
    assert detail["jobStatus"]["appExitSpec"]["phrase"] == "P0"
    place = pai.logs / "admin" / detail["debugId"] / "taskrole" / task["containerId"] / "user-all"
    logs = f"{JOBS}/admin~first/attempts/0/taskRoles/taskrole/taskIndex/0/attempts/0/logs"
    assert pai.call("GET", logs, token=token)[1]["code"] == "NoTaskLogError"
    place.mkdir(parents=True)
    (place / "current").write_text("NVIDIA H100")
    _, told = pai.call("GET", logs, token=token)
    assert [location["name"] for location in told["locations"]] == ["all"]
    path = told["locations"][0]["uri"].removeprefix("/log-manager")
    assert path.startswith("/127.0.0.1:")
    assert "token=" in path


def test_pods_ask_for_gpus_and_for_the_fuse_device(pai: OpenPai, token: str) -> None:
    pai.phases = ["Pending"]
    pai.call("POST", JOBS, job(gpu=2), token, "yaml")
    pods = "/api/v1/namespaces/default/pods"
    until(lambda: len(pai.kube.listed(pods)["items"]), 1)
    pod = pai.kube.listed(pods)["items"][0]
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": 1, "memory": "512Mi", "github.com/fuse": 1, "nvidia.com/gpu": 2}
    assert state(pai, token) == "WAITING"
    assert pod["spec"]["hostNetwork"] is True
    assert pod["metadata"]["annotations"]["FC_TASK_INDEX"] == "0"


def test_a_job_that_fails_says_why(pai: OpenPai, token: str) -> None:
    pai.phases = ["Running", "Failed"]
    pai.call("POST", JOBS, job(), token, "yaml")
    until(lambda: state(pai, token), "FAILED")
    told = pai.call("GET", f"{JOBS}/admin~first", token=token)[1]["jobStatus"]
    assert (told["appExitCode"], told["appExitSpec"]["phrase"]) == (3, "P256")
    assert "code: 3" in told["appExitDiagnostics"]


def test_a_job_can_be_stopped(pai: OpenPai, token: str) -> None:
    pai.phases = ["Running"]
    pai.call("POST", JOBS, job(), token, "yaml")
    until(lambda: state(pai, token), "RUNNING")
    status, told = pai.call("PUT", f"{JOBS}/admin~first/executionType", {"value": "STOP"}, token)
    assert (status, told["message"]) == (202, "Execute job admin~first successfully.")
    until(lambda: state(pai, token), "STOPPED")
    assert not pai.kube.listed("/api/v1/namespaces/default/pods")["items"]
    assert pai.call("PUT", f"{JOBS}/admin~first/executionType", {"value": "PAUSE"}, token)[1] == {
        "code": "InvalidParametersError",
        "message": 'child "value" fails because ["value" must be one of [STOP, START]]',
    }


def test_a_job_outlives_its_framework(pai: OpenPai, token: str) -> None:
    pai.call("POST", JOBS, job(), token, "yaml")
    until(lambda: state(pai, token), "SUCCEEDED")
    pai.poll()
    frameworks = "/apis/frameworkcontroller.microsoft.com/v1/namespaces/default/frameworks"
    until(lambda: pai.kube.listed(frameworks)["items"], [])
    until(lambda: [path for path in pai.kube.objects if "usercred" in path or "-priority" in path], [])
    assert state(pai, token) == "SUCCEEDED"
    assert [one["name"] for one in pai.call("GET", JOBS, token=token)[1]] == ["first"]


def test_lists_are_filtered(pai: OpenPai, token: str) -> None:
    for name in ("one", "two"):
        assert pai.call("POST", JOBS, job(name), token, "yaml")[0] == 202
    pai.call("PUT", f"{JOBS}/admin~two/tag", {"value": "kept"}, token)

    def names(query: str) -> list[str]:
        return sorted(one["name"] for one in pai.call("GET", f"{JOBS}?{query}", token=token)[1])

    assert names("username=admin&vc=default") == ["one", "two"]
    assert names("keyword=tw") == ["two"]
    assert names("tagsContain=kept") == ["two"]
    assert names("username=other") == []
    assert names("limit=1&order=jobName,ASC") == ["one"]
    assert pai.call("GET", f"{JOBS}?withTotalCount=true&limit=1", token=token)[1]["totalCount"] == 2


def wrong(change: Callable[[dict[str, Any]], object]) -> str:
    whole = json.loads(job())
    change(whole)
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            wrong(lambda one: one.pop("name")),
            '"params":{"missingProperty":"name"},"message":"should have required property \'name\'"',
        ),
        (
            wrong(lambda one: one["taskRoles"]["taskrole"]["resourcePerInstance"].update(gpu="1")),
            '"dataPath":".taskRoles[\'taskrole\'].resourcePerInstance.gpu"',
        ),
        (
            wrong(lambda one: one["taskRoles"]["taskrole"].update(skuNum=1)),
            '"params":{"additionalProperty":"skuNum"},"message":"should NOT have additional properties"',
        ),
        (
            wrong(lambda one: one["taskRoles"]["taskrole"].update(dockerImage="other")),
            "Prerequisite other does not exist.",
        ),
        (job(gpu=3), "Job requests 3 SKUs, exceeds maximum 2 SKUs in VC default."),
        (
            job(extras={"hivedScheduler": {"taskRoles": {"taskrole": {"skuType": "A100"}}}}),
            "Taskrole taskrole has unknown skuType A100, allow H100.",
        ),
    ],
)
def test_a_wrong_job_is_refused_in_openpais_words(pai: OpenPai, token: str, text: str, message: str) -> None:
    status, told = pai.call("POST", JOBS, text, token, "yaml")
    assert (status, told["code"]) == (400, "InvalidProtocolError")
    assert message in told["message"]


def test_a_sku_without_processors_runs_no_job(tmp_path: Path) -> None:
    hived = json.loads(json.dumps(HIVED))
    hived["physicalCluster"]["skuTypes"]["H100"]["cpu"] = 0
    with openpai(tmp_path, hived) as pai:
        status, told = pai.call("POST", JOBS, job(), pai.login()[1]["token"], "yaml")
    assert (status, told["message"]) == (
        400,
        "Taskrole taskrole requests 1 CPU, but SKU does not configure CPU. "
        "Please contact admin if the taskrole needs CPU resources.",
    )


def test_a_name_is_taken_once(pai: OpenPai, token: str) -> None:
    pai.call("POST", JOBS, job(), token, "yaml")
    status, told = pai.call("POST", JOBS, job(), token, "yaml")
    assert (status, told) == (409, {"code": "ConflictJobError", "message": "Job admin~first already exists."})


def test_users_me_leaves_the_password_as_it_was(pai: OpenPai, token: str) -> None:
    """As in every version of OpenPAI: the route checks `newPassword` and then looks for `password`."""
    data = {"username": "admin", "newPassword": "new-password", "oldPassword": PASSWORD}
    assert pai.call("PUT", "/api/v2/users/me", {"patch": True, "data": data}, token)[0] == 201
    assert pai.login()[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v2/users", {"patch": True, "data": {"username": "admin", "password": "new-password"}}),
        ("/api/v2/users/admin/password", {"oldPassword": PASSWORD, "newPassword": "new-password"}),
    ],
)
def test_a_changed_password_ends_every_login(pai: OpenPai, token: str, path: str, body: Any) -> None:
    assert pai.call("PUT", path, body, token)[0] == 201
    assert pai.call("GET", JOBS, token=token)[0] == 401
    assert pai.login()[0] == 400
    assert pai.login("new-password")[0] == 200


def test_virtual_clusters_have_what_hived_gives_them(pai: OpenPai, token: str) -> None:
    _, told = pai.call("GET", "/api/v2/virtual-clusters", token=token)
    assert told["default"]["resourcesTotal"] == {"cpu": 8, "memory": 16384, "gpu": 2, "vCores": 8, "GPUs": 2}
    assert pai.call("GET", "/api/v2/cluster/sku-types?vc=default", token=token)[1] == {
        "H100": {"cpu": 4, "memory": 8192, "gpu": 1}
    }
    assert pai.call("GET", "/api/v2/virtual-clusters/other", token=token)[1]["code"] == "NoVirtualClusterError"


def test_secrets_of_a_job_are_shown_to_nobody(pai: OpenPai, token: str) -> None:
    text = job(secrets={"key": "hunter2"}).replace(', "secrets"', "\n")
    text = "\n".join(["protocolVersion: 2", "name: first", "type: job", "secrets:", "  key: hunter2", "taskRoles:"])
    text += "\n  taskrole: " + json.dumps(json.loads(job())["taskRoles"]["taskrole"])
    text += "\nprerequisites: " + json.dumps(json.loads(job())["prerequisites"]) + "\n"
    assert pai.call("POST", JOBS, text, token, "yaml")[0] == 202
    _, told = pai.call("GET", f"{JOBS}/admin~first/config", token=token)
    assert 'secrets: "******"' in told
    assert "hunter2" not in told
