"""Jobs: submitted, listed, looked at, stopped; their logs are where log-manager says."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from ..database import Client
from ..names import encode
from ..web import Refusal
from . import details

LIMIT, MOST = 5000, 50000
ORDERS = {"username": "userName", "vc": "virtualCluster"}
"""Columns by which the list can be ordered under another name; the others have their own."""
COLUMNS = ("jobName", "submissionTime", "totalTaskNumber", "totalGpuNumber", "state", "completionTime", "jobPriority")
TIMEOUT = 30

Row = dict[str, Any]
Fits = Callable[[Row, list[str]], bool]


class Jobs:
    """The jobs of the database; `merger` is the write merger's URL, `specs` explains exit codes."""

    def __init__(self, database: Client, merger: str, specs: dict[int, Any]):
        self._database = database
        self._merger = merger
        self._specs = specs

    def submit(self, request: dict[str, Any]) -> None:
        """Hand a job to the write merger."""
        name = request["frameworkRequest"]["metadata"]["name"]
        call("PUT", f"{self._merger}/api/v1/frameworkRequest/{name}", request)

    def execute(self, framework: str, value: str) -> None:
        """START or STOP a job."""
        change = {"spec": {"executionType": value.capitalize()}}
        call("PATCH", f"{self._merger}/api/v1/frameworkRequest/{encode(framework)}", change)

    def find(self, framework: str) -> Row | None:
        """The database's row of a job; None when there is none."""
        return self._database.get("frameworks", encode(framework))

    def need(self, framework: str) -> Row:
        """The database's row of a job; Refusal 404 NoJobError when there is none."""
        row = self.find(framework)
        if row is None:
            raise Refusal(404, "NoJobError", f"Job {framework} is not found.")
        return row

    def detail(self, framework: str, attempt: int | None = None) -> dict[str, Any]:
        """All about a job; a number of an attempt must be that of its only one."""
        row = self.need(framework)
        if attempt not in (None, row["snapshot"]["status"]["attemptStatus"].get("id", 0)):
            raise Refusal(404, "NoJobError", f"JobAttemptId {attempt} is not found in {framework}.")
        return details.detail(row, self.tags(framework), self._specs)

    def task(self, framework: str, attempt: int, role: str, index: int) -> dict[str, Any]:
        """All about a task."""
        row = self.need(framework)
        found = details.attempts(row, role, index, self._specs)
        if found is None or attempt != found["jobAttemptId"]:
            raise Refusal(
                404,
                "NoJobError",
                f"Task not found in Job {framework} with jobAttemptIndex {attempt}, taskRoleName {role} "
                f"and taskIndex {index}.",
            )
        return found

    def tags(self, framework: str) -> list[str]:
        """A job's tags."""
        return self._database.get("tags", encode(framework)) or []

    def tag(self, framework: str, value: str, wanted: bool) -> None:
        """Give a job a tag, or take it away."""
        self.need(framework)
        tags = self.tags(framework)
        if not wanted and value not in tags:
            raise Refusal(404, "NoTagError", f"Tag {value} is not found for job {framework}.")
        rest = [tag for tag in tags if tag != value]
        self._database.put("tags", encode(framework), [*rest, value] if wanted else rest)

    def search(self, query: dict[str, str]) -> Any:
        """Jobs by the query of GET /api/v2/jobs."""
        limit = int(query.get("limit", LIMIT))
        if limit > MOST:
            raise Refusal(400, "InvalidParametersError", f"Limit exceeds max number {MOST}.")
        rows = self._database.all("frameworks")
        tags = {row["name"]: self._database.get("tags", row["name"]) or [] for row in rows}
        rows = [row for row in rows if all(fits(row, tags[row["name"]]) for fits in _filters(query))]
        field, _, order = query.get("order", "submissionTime,DESC").partition(",")
        column = ORDERS.get(field, field if field in COLUMNS else "submissionTime")
        rows.sort(key=lambda row: (row[column] is not None, row[column]), reverse=order != "ASC")
        offset = int(query.get("offset", 0))
        found = [details.summary(row, tags[row["name"]]) for row in rows[offset : offset + limit]]
        return {"totalCount": len(rows), "data": found} if query.get("withTotalCount") == "true" else found


class Logs:
    """log-manager of every node; `name` and `password` are its administrator's."""

    def __init__(self, port: str, name: str, password: str):
        self._port = port
        self._login = {"username": name, "password": password}

    def locations(self, task: dict[str, Any], framework: str, attempt: int, tail: bool) -> dict[str, Any]:
        """Where the logs of an attempt of a task are, as paths on pylon."""
        found: dict[str, Any] = next((one for one in task["attempts"] if one["attemptId"] == attempt), {})
        address, pod = found.get("containerIp"), found.get("containerId")
        if not address:
            raise Refusal(404, "NoTaskLogError", "Log of task is not found.")
        try:
            prefix = f"http://{address}:{self._port}/api/v1"
            token = call("POST", f"{prefix}/tokens", self._login)["token"]
            place = f"username={task['username']}&framework-name={encode(framework)}&pod-uid={pod}"
            listed = call("GET", f"{prefix}/logs?{place}&taskrole={task['taskRoleName']}&token={token}")
        except Refusal as refusal:
            if refusal.status == 404:
                raise Refusal(404, "NoTaskLogError", "Log of task is not found.") from refusal
            print(f"logs of {framework}: {refusal.message}", flush=True)
            raise Refusal(500, "UnknownError", "Failed to get log list") from refusal
        at, more = f"/log-manager/{address}:{self._port}", "&tail-mode=true" if tail else ""
        return {"locations": [{"name": name, "uri": f"{at}{path}{more}"} for name, path in listed.items()]}


def call(method: str, url: str, content: Any = None) -> Any:
    """Another service's answer; its error becomes ours."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        told = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError):
            told = json.loads(told).get("message", told)
        raise Refusal(error.code, "UnknownError", told) from error
    except OSError as error:
        raise Refusal(500, "UnknownError", str(error)) from error


def _filters(query: dict[str, str]) -> list[Fits]:
    def among(column: str, words: str, default: str = "") -> Fits:
        return lambda row, _: (row[column] or default) in words.split(",")

    found: list[Fits] = [
        among(column, query[key], default)
        for key, column, default in (
            ("username", "userName", ""),
            ("vc", "virtualCluster", ""),
            ("state", "state", ""),
            ("jobPriority", "jobPriority", "default"),
        )
        if key in query
    ]
    if "keyword" in query:
        columns = ("userName", "jobName", "virtualCluster")
        found.append(lambda row, _: any(query["keyword"] in row[column] for column in columns))
    if "tagsContain" in query:
        found.append(lambda _, tags: bool(set(tags) & set(query["tagsContain"].split(","))))
    if "tagsNotContain" in query:
        found.append(lambda _, tags: not set(tags) & set(query["tagsNotContain"].split(",")))
    return found
