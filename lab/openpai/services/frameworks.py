"""What frameworkcontroller makes of a Framework and its pods: the next status, and the pods to make and to delete.

Its own code does far more: retries, gang deletion, compression of large status; here each task is tried once."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

COMPLETED = "Completed"
STOP_REQUESTED = {"code": -210, "phrase": "StopFrameworkRequested"}
ATTEMPT_COMPLETED = {"code": -220, "phrase": "FrameworkAttemptCompletion"}
LOST = {"code": -200, "phrase": "PodExternalDeleted"}
FAILED = {"name": "Failed", "attributes": ["Permanent"]}
SUCCEEDED = {"name": "Succeeded", "attributes": []}

Pods = dict[str, dict[str, Any]]
"""Pods by name."""


def begin(framework: dict[str, Any], now: str) -> dict[str, Any]:
    """The status of a Framework that nothing was done for yet."""
    return {
        "startTime": now,
        "state": "AttemptCreationPending",
        "retryPolicyStatus": {"totalRetriedCount": 0, "accountableRetriedCount": 0},
        "attemptStatus": {
            "id": 0,
            "instanceUID": f"0_{uuid.uuid4()}",
            "startTime": now,
            "taskRoleStatuses": [
                {"name": role["name"], "taskStatuses": [_begin_task(i, now) for i in range(role["taskNumber"])]}
                for role in framework["spec"]["taskRoles"]
            ],
        },
    }


def step(framework: dict[str, Any], pods: Pods, now: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """The Framework's status now, pods to make, and names of pods to delete."""
    status = copy.deepcopy(framework.get("status")) or begin(framework, now)
    attempt = status["attemptStatus"]
    if status["state"] == COMPLETED:
        return status, [], []
    tasks = [(role, task) for role in attempt["taskRoleStatuses"] for task in role["taskStatuses"]]
    if "completionStatus" not in attempt:
        for role, task in tasks:
            _see(task, pods.get(pod_name(framework, role["name"], task["index"])), now)
        completion = _completion(framework, attempt)
        if framework["spec"]["executionType"] == "Stop":
            completion = STOP_REQUESTED | {"type": FAILED, "diagnostics": "User has requested to stop the Framework"}
        if completion:
            attempt["completionStatus"] = completion
    if "completionStatus" in attempt:
        return status, [], _end(framework, status, pods, now)
    running = any(task["state"] == "AttemptRunning" for _, task in tasks)
    if running and "runTime" not in status:
        status["runTime"] = attempt["runTime"] = now
    made = [
        pod(framework, status, role["name"], task)
        for role, task in tasks
        if task["state"] == "AttemptCreationPending" and pod_name(framework, role["name"], task["index"]) not in pods
    ]
    status["state"] = "AttemptRunning" if "runTime" in status else "AttemptPreparing"
    return status, made, []


def pod_name(framework: dict[str, Any], role: str, index: int) -> str:
    """The name of a task's pod."""
    return f"{framework['metadata']['name']}-{role}-{index}"


def pod(framework: dict[str, Any], status: dict[str, Any], role: str, task: dict[str, Any]) -> dict[str, Any]:
    """A task's pod: the role's, with what frameworkcontroller adds."""
    spec = next(one for one in framework["spec"]["taskRoles"] if one["name"] == role)
    made = copy.deepcopy(spec["task"]["pod"])
    name, uid = framework["metadata"]["name"], framework["metadata"]["uid"]
    facts = {
        "FC_FRAMEWORK_NAMESPACE": "default",
        "FC_FRAMEWORK_NAME": name,
        "FC_TASKROLE_NAME": role,
        "FC_TASK_INDEX": str(task["index"]),
        "FC_POD_NAME": pod_name(framework, role, task["index"]),
        "FC_FRAMEWORK_UID": uid,
        "FC_FRAMEWORK_ATTEMPT_ID": "0",
        "FC_FRAMEWORK_ATTEMPT_INSTANCE_UID": status["attemptStatus"]["instanceUID"],
        "FC_TASK_ATTEMPT_ID": "0",
    }
    metadata = made.setdefault("metadata", {})
    metadata["name"] = facts["FC_POD_NAME"]
    metadata["labels"] = metadata.get("labels", {}) | {"FC_FRAMEWORK_NAME": name, "FC_TASKROLE_NAME": role}
    metadata["annotations"] = metadata.get("annotations", {}) | facts
    owner = {"apiVersion": framework["apiVersion"], "kind": "Framework", "name": name, "uid": uid}
    metadata["ownerReferences"] = [owner | {"controller": True, "blockOwnerDeletion": True}]
    environment = [{"name": key, "value": value} for key, value in facts.items()]
    environment.append({"name": "FC_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}})
    for container in (*made["spec"].get("initContainers", []), *made["spec"]["containers"]):
        container["env"] = environment + container.get("env", [])
    return {"apiVersion": "v1", "kind": "Pod", **made}


def _begin_task(index: int, now: str) -> dict[str, Any]:
    return {
        "index": index,
        "instanceUID": str(uuid.uuid4()),
        "startTime": now,
        "state": "AttemptCreationPending",
        "retryPolicyStatus": {"totalRetriedCount": 0, "accountableRetriedCount": 0},
        "attemptStatus": {"id": 0, "startTime": now},
    }


def _see(task: dict[str, Any], found: dict[str, Any] | None, now: str) -> None:
    """Note in a task's status what its pod has come to."""
    attempt = task["attemptStatus"]
    if task["state"] == COMPLETED:
        return
    if found is None:
        if attempt.get("podUID"):  # it was there
            _complete(task, LOST | {"type": FAILED, "diagnostics": "Pod was deleted by others"}, now)
        return
    phase = found["status"].get("phase", "Pending")
    attempt["podName"], attempt["podUID"] = found["metadata"]["name"], found["metadata"]["uid"]
    attempt["podNodeName"] = found["spec"].get("nodeName")
    attempt["podIP"], attempt["podHostIP"] = found["status"].get("podIP"), found["status"].get("hostIP")
    if phase == "Pending":
        task["state"] = "AttemptPreparing"
        return
    if "runTime" not in task:
        task["runTime"] = attempt["runTime"] = now
    task["state"] = "AttemptRunning"
    if phase == "Succeeded":
        _complete(task, {"code": 0, "phrase": "Succeeded", "type": SUCCEEDED, "diagnostics": "Pod succeeded"}, now)
    elif phase == "Failed":
        _complete(task, _failure(found), now)


def _complete(task: dict[str, Any], completion: dict[str, Any], now: str) -> None:
    task["state"] = COMPLETED
    task["completionTime"] = task["attemptStatus"]["completionTime"] = now
    task["attemptStatus"]["completionStatus"] = completion


def _failure(found: dict[str, Any]) -> dict[str, Any]:
    status = found["status"]
    ended = [
        {"name": container["name"], "reason": end.get("reason"), "code": end["exitCode"], "message": end.get("message")}
        for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", []))
        if (end := container.get("state", {}).get("terminated")) and end["exitCode"] != 0
    ]
    told = json.dumps({"name": found["metadata"]["name"], "reason": status.get("reason"), "containers": ended})
    return {
        # A pod that the kubelet ended, by eviction for one, need not have a container that failed.
        "code": ended[0]["code"] if ended else 255,
        "phrase": ended[0]["reason"] if ended else status.get("reason", "PodFailed"),
        "type": FAILED,
        "diagnostics": f"Pod failed: matched: {told}",
    }


def _completion(framework: dict[str, Any], attempt: dict[str, Any]) -> dict[str, Any] | None:
    """How the attempt has ended by its roles' policies; None while it has not."""
    policies = {role["name"]: role["frameworkAttemptCompletionPolicy"] for role in framework["spec"]["taskRoles"]}
    for role in attempt["taskRoleStatuses"]:
        ended = [task for task in role["taskStatuses"] if task["state"] == COMPLETED]
        failed = [task for task in ended if task["attemptStatus"]["completionStatus"]["code"] != 0]
        policy = policies[role["name"]]
        if len(failed) >= policy["minFailedTaskCount"] > 0:
            last, words = failed[-1], f"FailedTaskCount {len(failed)} has reached MinFailedTaskCount"
        elif len(ended) - len(failed) >= policy["minSucceededTaskCount"] > 0:
            last, words = ended[-1], f"SucceededTaskCount {len(ended)} has reached MinSucceededTaskCount"
        else:
            continue
        trigger = {"message": words, "taskRoleName": role["name"], "taskIndex": last["index"]}
        return last["attemptStatus"]["completionStatus"] | {"trigger": trigger}
    return None


def _end(framework: dict[str, Any], status: dict[str, Any], pods: Pods, now: str) -> list[str]:
    """Bring a Framework that has its completion to its end: tasks that go on are stopped."""
    attempt = status["attemptStatus"]
    stopped = attempt["completionStatus"]["code"] == STOP_REQUESTED["code"]
    ending = (STOP_REQUESTED if stopped else ATTEMPT_COMPLETED) | {"type": FAILED}
    left, doomed = False, []
    for role in attempt["taskRoleStatuses"]:
        for task in role["taskStatuses"]:
            found = pods.get(pod_name(framework, role["name"], task["index"]))
            if task["state"] == COMPLETED:
                continue
            if found is None or found["status"].get("phase") in ("Succeeded", "Failed"):
                _complete(task, ending, now)
                continue
            left = True
            task["state"] = "AttemptDeleting"
            task["attemptStatus"]["completionStatus"] = ending
            if not found["metadata"].get("deletionTimestamp"):
                doomed.append(found["metadata"]["name"])
    status["state"] = "AttemptDeleting" if left else COMPLETED
    if not left:
        status["completionTime"] = attempt["completionTime"] = now
    return doomed
