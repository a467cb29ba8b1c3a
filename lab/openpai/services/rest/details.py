"""What the API says of jobs: from the records of the database to its lists and details."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

import yaml

STOPPED = (-210, -220)
"""Completion codes of what a user has stopped."""
WAITING = ("AttemptCreationPending", "AttemptCreationRequested", "AttemptPreparing")
DELETING = ("AttemptDeletionPending", "AttemptDeletionRequested", "AttemptDeleting")


def state(sub_state: str | None, code: int | None, attempt: bool = False) -> str:
    """The state of a job or task, or of its attempt, by frameworkcontroller's state and the completion code."""
    ended = sub_state == "Completed" or (attempt and sub_state == "AttemptCompleted")
    if sub_state in WAITING:
        return "WAITING"
    if ended:
        return "SUCCEEDED" if code == 0 else "STOPPED" if code in STOPPED else "FAILED"
    if sub_state in (*DELETING, "AttemptCompleted"):
        return "STOPPING" if code in STOPPED else "RUNNING"
    return "RUNNING" if sub_state == "AttemptRunning" else "UNKNOWN"


def summary(record: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    """One entry of the list of jobs."""
    return {
        "debugId": record["name"],
        "name": record["jobName"],
        "username": record["userName"],
        "state": record["state"],
        "subState": record["subState"],
        "executionType": record["executionType"].upper(),
        "tags": tags,
        "retries": 0,
        "retryDetails": {"user": 0, "platform": 0, "resource": 0},
        "retryDelayTime": None,
        "submissionTime": record["submissionTime"] * 1000,
        "createdTime": milliseconds(record["creationTime"]),
        "launchedTime": milliseconds(record["launchTime"]),
        "completedTime": milliseconds(record["completionTime"]),
        "appExitCode": record["appExitCode"],
        "virtualCluster": record["virtualCluster"],
        "totalGpuNumber": record["totalGpuNumber"],
        "totalTaskNumber": record["totalTaskNumber"],
        "totalTaskRoleNumber": record["totalTaskRoleNumber"],
        "jobPriority": record["jobPriority"],
    }


def detail(record: dict[str, Any], tags: list[str], specs: dict[int, Any]) -> dict[str, Any]:
    """All about one job; `specs` explains exit codes."""
    framework = record["snapshot"]
    status = framework["status"]
    attempt = status["attemptStatus"]
    done = attempt.get("completionStatus", {})
    code = done.get("code")
    trigger = done.get("trigger") or {}
    told = diagnostics(done.get("diagnostics"))
    ran = status.get("runTime") or status.get("completionTime")
    attempt_ran = attempt.get("runTime") or attempt.get("completionTime")
    name = f"{record['userName']}~{record['jobName']}"
    ports = {
        role["name"]: json.loads(role["task"]["pod"]["metadata"]["annotations"]["rest-server/port-scheduling-spec"])
        for role in framework["spec"]["taskRoles"]
    }
    return {
        "debugId": record["name"],
        "name": record["jobName"],
        "tags": tags,
        "jobStatus": {
            "username": record["userName"],
            "state": state(status["state"], code),
            "subState": status["state"],
            "executionType": record["executionType"].upper(),
            "retries": 0,
            "retryDetails": {"user": 0, "platform": 0, "resource": 0},
            "retryDelayTime": None,
            "createdTime": milliseconds(framework["metadata"].get("creationTimestamp")),
            "launchedTime": milliseconds(ran),
            "completedTime": milliseconds(status.get("completionTime")),
            "attemptId": attempt.get("id", 0),
            "attemptState": state(status["state"], code, attempt=True),
            "appId": attempt.get("instanceUID", ""),
            "appProgress": 1 if done else 0,
            "appTrackingUrl": "",
            "appCreatedTime": milliseconds(attempt.get("startTime")),
            "appLaunchedTime": milliseconds(attempt_ran),
            "appCompletedTime": milliseconds(attempt.get("completionTime")),
            "appExitCode": code,
            "appExitSpec": exit_spec(code, specs),
            "appExitDiagnostics": told,
            "appExitMessages": {"container": None, "runtime": None, "launcher": told} if told else None,
            "appExitTriggerMessage": trigger.get("message"),
            "appExitTriggerTaskRoleName": trigger.get("taskRoleName"),
            "appExitTriggerTaskIndex": trigger.get("taskIndex"),
            "appExitType": done.get("type", {}).get("name"),
            "virtualCluster": record["virtualCluster"],
            "submissionTime": record["submissionTime"] * 1000,
        },
        "taskRoles": {
            role["name"]: {
                "taskRoleStatus": {"name": role["name"]},
                "taskStatuses": [
                    _task(name, role["name"], task, ports[role["name"]], specs) for task in role["taskStatuses"]
                ],
            }
            for role in attempt.get("taskRoleStatuses", [])
        },
    } | ({"jobPriority": record["jobPriority"]} if record["jobPriority"] else {})


def attempts(record: dict[str, Any], role_name: str, index: int, specs: dict[int, Any]) -> dict[str, Any] | None:
    """A task and its attempts, of which this stand-in makes one; None when the job has no such task."""
    framework = record["snapshot"]
    found = detail(record, [], specs)["taskRoles"].get(role_name, {"taskStatuses": []})["taskStatuses"]
    task = next((task for task in found if task["taskIndex"] == index), None)
    if task is None:
        return None
    times = ("createdTime", "launchedTime", "completedTime")
    whole = ("taskIndex", "taskUid", "taskState", "retries", "accountableRetries", *times)
    return {
        "username": record["userName"],
        "jobName": record["jobName"],
        "jobAttemptId": framework["status"]["attemptStatus"].get("id", 0),
        "taskRoleName": role_name,
        **{key: task[key] for key in whole},
        "attempts": [{key: value for key, value in task.items() if key not in whole}],
    }


def exit_spec(code: int | None, specs: dict[int, Any]) -> dict[str, Any] | None:
    """What is known of an exit code; 256 and -8000 stand for those that nobody described."""
    if code is None:
        return None
    return specs.get(code) or specs[256 if code > 0 else -8000] | {"code": code}


def milliseconds(when: str | None) -> int | None:
    """A time of Kubernetes in milliseconds since 1970."""
    if not when:
        return None
    return int(datetime.datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() * 1000)


def diagnostics(text: str | None) -> str | None:
    """frameworkcontroller's diagnostics for people: the JSON at their end as YAML."""
    head, matched, rest = (text or "").partition("matched: ")
    return f"{head}matched:\n{yaml.safe_dump(json.loads(rest))}" if matched else text or None


def ports_of(pod: str | None, schedule: dict[str, Any]) -> dict[str, str]:
    """The ports of a task by name: anybody who knows its pod's uid can work them out."""
    first, last = schedule["schedulePortStart"], schedule["schedulePortEnd"]
    found = {}
    for port, wanted in schedule["ports"].items() if pod else ():
        numbers = []
        for index in range(wanted["count"]):
            digest = hashlib.md5(f"[{pod}][{port}][{index}]".encode()).hexdigest()
            number = int(digest[:12], 16) + int(digest[12:24], 16) + int(digest[24:], 16)
            numbers.append(str(number % (last - first) + first))
        found[port] = ",".join(numbers)
    return found


def _task(job: str, role: str, task: dict[str, Any], schedule: dict[str, Any], specs: dict[int, Any]) -> dict[str, Any]:
    attempt = task["attemptStatus"]
    done = attempt.get("completionStatus", {})
    code = done.get("code")
    ran = task.get("runTime") or task.get("completionTime")
    where = f"/api/v2/jobs/{job}/attempts/0/taskRoles/{role}/taskIndex/{task['index']}/attempts/{attempt['id']}/logs"
    return {
        "taskIndex": task["index"],
        "taskUid": task["instanceUID"],
        "taskState": state(task["state"], code),
        "containerId": attempt.get("podUID"),
        "containerIp": attempt.get("podHostIP"),
        "containerNodeName": attempt.get("podNodeName"),
        "containerPorts": ports_of(attempt.get("podUID"), schedule),
        "containerGpus": None,
        "containerLog": where,
        "containerExitCode": code,
        "containerExitSpec": exit_spec(code, specs),
        "containerExitDiagnostics": diagnostics(done.get("diagnostics")),
        "retries": 0,
        "accountableRetries": 0,
        "createdTime": milliseconds(task.get("startTime")),
        "launchedTime": milliseconds(ran),
        "completedTime": milliseconds(task.get("completionTime")),
        "attemptId": attempt["id"],
        "attemptState": state(task["state"], code, attempt=True),
        "currentAttemptCreatedTime": milliseconds(attempt.get("startTime")),
        "currentAttemptLaunchedTime": milliseconds(attempt.get("runTime") or attempt.get("completionTime")),
        "currentAttemptCompletedTime": milliseconds(attempt.get("completionTime")),
    }
