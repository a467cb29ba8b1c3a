"""OpenPAI's own JavaScript client, from npm, against the lab's REST: they speak the same language."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.openpai.services.rest import protocol, schema
from tests.unit.openpai_cluster import PASSWORD, job, openpai

PACKAGES = ["@microsoft/openpai-js-sdk@0.1.5", "ajv@6.12.6"]
"""The client, and the library that rest-server checks jobs with."""
CLIENT = Path(__file__).parent / "data/openpai-client.js"
ERRORS = """
const Ajv = require(process.argv[1]);
const [schema, jobs] = JSON.parse(require('fs').readFileSync(0));
const validate = new Ajv({ allErrors: true }).compile(schema);
console.log(JSON.stringify(jobs.map((job) => validate(job) ? [] : validate.errors)));
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    run("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES)
    return folder / "node_modules"


def run(program: str, *argv: str | Path, stdin: str | None = None) -> str:
    command = [Path(sys.executable).with_name(program), *argv]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_openpais_own_client_logs_in_and_runs_a_job(modules: Path, tmp_path: Path) -> None:
    with openpai(tmp_path) as pai:
        pai.phases = ["Pending", "Running"]
        told = json.loads(run("node", CLIENT, modules, pai.url, PASSWORD, job("client")))
    assert told["wrong password"]["code"] == "IncorrectPasswordError"
    assert told["login"]["admin"] is True
    assert told["submit again"]["code"] == "ConflictJobError"
    assert (told["nonsense"]["status"], told["nonsense"]["code"]) == (400, "InvalidProtocolError")
    assert told["no job"]["code"] == "NoJobError"
    assert [(one["name"], one["username"]) for one in told["list"]] == [("client", "admin")]
    assert told["config"] == json.loads(job("client"))
    assert told["detail"]["jobStatus"]["state"] == "STOPPED"
    assert told["after logout"]["code"] == "UnauthorizedUserError"


def test_wrong_jobs_are_refused_as_ajv_refuses_them(modules: Path) -> None:
    jobs = list(wrong_jobs())
    found = json.loads(run("node", "-e", ERRORS, modules / "ajv", stdin=json.dumps([protocol.PROTOCOL, jobs])))
    assert [schema.errors(protocol.PROTOCOL, one) for one in jobs] == found


WRONG: list[dict[str, Any]] = [
    {"name": "no spaces"},
    {"name": 1, "protocolVersion": 3},
    {"unknown": 1, "jobRetryCount": -1},
    {"taskRoles": {}},
    {"taskRoles": {"9": {}}},
    {"prerequisites": []},
    {"deployments": [{"name": "one", "taskRoles": {"role": {"preCommands": []}}}]},
]
WRONG_ROLES: list[dict[str, Any]] = [
    {"instances": 0},
    {"commands": []},
    {"skuNum": 1},
    {"completion": {"minFailedInstances": "1"}},
    {"resourcePerInstance": {"cpu": 1, "gpu": 1.5, "ports": {"a-b": 1}}},
]


def wrong_jobs() -> Iterator[Any]:
    yield {}
    yield "text"
    for change in WRONG:
        yield json.loads(job()) | change
    role = json.loads(job())["taskRoles"]["taskrole"]
    for change in WRONG_ROLES:
        yield json.loads(job(taskRoles={"taskrole": role | change}))
