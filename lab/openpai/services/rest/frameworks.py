"""The Framework that a job becomes, with the pod of each task role, and what is made beside it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import yaml

from ..names import convert, encode
from ..secrets import encode as fields
from . import skus
from .protocol import masked

API_VERSION = "frameworkcontroller.microsoft.com/v1"
SHARED_MEMORY_MB = 512


@dataclass(frozen=True)
class Settings:
    """What the pods of jobs depend on; `hived` is hived's configuration, None where there is no hived."""

    runtime_image: str
    pull_secret: str
    rest_uri: str
    api_uri: str
    first_port: int
    last_port: int
    device: str
    hived: dict[str, Any] | None


def build(settings: Settings, user: dict[str, Any], job: dict[str, Any], text: str) -> dict[str, Any]:
    """The request that the write merger gets: the Framework, and the objects that its pods need."""
    name = f"{user['username']}~{job['name']}"
    cluster = job.get("defaults", {}).get("virtualCluster", "default")
    environment = _environment(name, user["username"], cluster, job)
    roles = [_role(settings, user, name, cluster, job, role, environment) for role in job["taskRoles"]]
    gpus = sum(role["resourcePerInstance"]["gpu"] * role.get("instances", 1) for role in job["taskRoles"].values())
    submitted = int(time.time())
    return {
        "frameworkRequest": {
            "apiVersion": API_VERSION,
            "kind": "Framework",
            "metadata": {
                "name": encode(name),
                "labels": {"userName": user["username"], "virtualCluster": cluster},
                "annotations": {
                    "jobName": job["name"],
                    "logPathInfix": encode(name),
                    "config": masked(text),
                    "totalGpuNumber": str(gpus),
                },
            },
            "spec": {
                "executionType": "Start",
                "retryPolicy": {"fancyRetryPolicy": True, "maxRetryCount": job.get("jobRetryCount", 0)},
                "taskRoles": roles,
            },
        },
        "submissionTime": submitted,
        "addOns": _beside(name, user, job, submitted),
    }


def _environment(name: str, user: str, cluster: str, job: dict[str, Any]) -> list[dict[str, Any]]:
    roles = job["taskRoles"]
    tasks = sum(role.get("instances", 1) for role in roles.values())
    values: dict[str, Any] = {
        "PAI_FRAMEWORK_NAME": name,
        "PAI_JOB_NAME": name,
        "PAI_USER_NAME": user,
        "PAI_USERNAME": user,
        "PAI_VIRTUAL_CLUSTER": cluster,
        "PAI_TASK_ROLE_COUNT": len(roles),
        "PAI_TASK_ROLE_LIST": ",".join(roles),
        "PAI_JOB_TASK_COUNT": tasks,
        "PAI_JOB_TASK_ROLE_COUNT": len(roles),
        "PAI_JOB_TASK_ROLE_LIST": ",".join(roles),
    }
    for role_name, role in roles.items():
        wanted = role["resourcePerInstance"]
        shared = role.get("extraContainerOptions", {}).get("shmMB", 0)
        values[f"PAI_TASK_ROLE_TASK_COUNT_{role_name}"] = role.get("instances", 1)
        values[f"PAI_RESOURCE_{role_name}"] = f"{wanted['gpu']},{wanted['cpu']},{wanted['memoryMB']},{shared}"
    return [{"name": key, "value": str(value)} for key, value in values.items()]


def _role(
    settings: Settings,
    user: dict[str, Any],
    name: str,
    cluster: str,
    job: dict[str, Any],
    role_name: str,
    environment: list[dict[str, Any]],
) -> dict[str, Any]:
    role = job["taskRoles"][role_name]
    ports = {"ssh": 1, "http": 1} | role["resourcePerInstance"].get("ports", {})
    schedule = {
        "schedulePortStart": settings.first_port,
        "schedulePortEnd": settings.last_port,
        "ports": {port: {"count": count} for port, count in ports.items()},
    }
    annotations = {
        "container.apparmor.security.beta.kubernetes.io/app": "unconfined",
        "rest-server/port-scheduling-spec": json.dumps(schedule),
    }
    if "hivedPodSpec" in role:
        annotations["hivedscheduler.microsoft.com/pod-scheduling-spec"] = yaml.safe_dump(role["hivedPodSpec"])
    instances, completion = role.get("instances", 1), role.get("completion", {})
    index = {"fieldRef": {"fieldPath": "metadata.annotations['FC_TASK_INDEX']"}}
    own = [
        *environment,
        {"name": "PAI_CURRENT_TASK_ROLE_NAME", "value": role_name},
        {"name": "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX", "valueFrom": index},
    ]
    return {
        "name": convert(role_name),
        "taskNumber": instances,
        "frameworkAttemptCompletionPolicy": {
            "minFailedTaskCount": completion.get("minFailedInstances") or 1,
            "minSucceededTaskCount": completion.get("minSucceededInstances") or instances,
        },
        "task": {
            "retryPolicy": {"fancyRetryPolicy": False, "maxRetryCount": 0},
            "podGracefulDeletionTimeoutSec": 600,
            "pod": {
                "metadata": {
                    "labels": {"userName": user["username"], "virtualCluster": cluster, "type": "kube-launcher-task"},
                    "annotations": annotations,
                },
                "spec": _pod(settings, user["username"], name, job, role_name, own, index),
            },
        },
    }


def _pod(
    settings: Settings,
    user: str,
    name: str,
    job: dict[str, Any],
    role_name: str,
    own: list[dict[str, Any]],
    index: dict[str, Any],
) -> dict[str, Any]:
    role = job["taskRoles"][role_name]
    wanted = role["resourcePerInstance"]
    image = job["prerequisites"]["dockerimage"][role["dockerImage"]]
    log = {
        "name": "host-log",
        "subPath": f"{user}/{encode(name)}/{convert(role_name)}",
        "mountPath": "/usr/local/pai/logs",
    }
    work = {"name": "pai-vol", "mountPath": "/usr/local/pai"}
    # hived upstream takes the GPU's place with a resource of its own and picks the devices; here the kubelet picks.
    limits = {"cpu": wanted["cpu"], "memory": f"{wanted['memoryMB']}Mi", "github.com/fuse": 1}
    limits[settings.device] = wanted["gpu"]
    hide = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "none"}] if wanted["gpu"] == 0 else []
    init = {"USER_CMD": role["entrypoint"], "KUBE_APISERVER_ADDRESS": settings.api_uri}
    init |= {"REST_SERVER_URI": settings.rest_uri, "GANG_ALLOCATION": "true"}
    secrets = [{"name": settings.pull_secret}] + ([{"name": f"{encode(name)}-regcred"}] if image.get("auth") else [])
    shared = role.get("extraContainerOptions", {}).get("shmMB") or SHARED_MEMORY_MB
    return {
        "restartPolicy": "Never",
        "serviceAccountName": "runtime-account",
        "hostNetwork": True,
        "priorityClassName": f"{encode(name)}-priority",
        "imagePullSecrets": secrets,
        "initContainers": [
            {
                "name": "init",
                "image": settings.runtime_image,
                "imagePullPolicy": "Always",
                "env": [*({"name": key, "value": value} for key, value in init.items()), *own],
                "volumeMounts": [work, log, {"name": "job-exit-spec", "mountPath": "/usr/local/pai-config"}],
            }
        ],
        "containers": [
            {
                "name": "app",
                "image": image["uri"],
                "imagePullPolicy": "Always",
                "command": ["/usr/local/pai/runtime"],
                "resources": {"limits": limits},
                "env": [*own, {"name": "PAI_TASK_INDEX", "valueFrom": index}, *hide],
                "securityContext": {
                    "capabilities": {"add": ["SYS_ADMIN", "IPC_LOCK", "DAC_READ_SEARCH"], "drop": ["MKNOD"]}
                },
                "terminationMessagePath": "/tmp/pai-termination-log",
                "volumeMounts": [
                    {"name": "dshm", "mountPath": "/dev/shm"},
                    work,
                    log,
                    {"name": "job-ssh-secret-volume", "readOnly": True, "mountPath": "/usr/local/pai/ssh-secret"},
                ],
            }
        ],
        "volumes": [
            {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shared}Mi"}},
            {"name": "pai-vol", "emptyDir": {}},
            {"name": "host-log", "hostPath": {"path": "/var/log/pai"}},
            {"name": "job-ssh-secret-volume", "secret": {"secretName": "job-ssh-secret"}},
            {"name": "job-exit-spec", "configMap": {"name": "runtime-exit-spec-configuration"}},
        ],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _nodes(settings, role)}},
    }


def _nodes(settings: Settings, role: dict[str, Any]) -> dict[str, Any]:
    wanted = [{"key": "pai-worker", "operator": "In", "values": ["true"]}]
    sku = role.get("hivedPodSpec", {}).get("leafCellType")
    if settings.hived and sku:
        names = skus.nodes(settings.hived).get(sku, [])
        wanted.append({"key": "kubernetes.io/hostname", "operator": "In", "values": names})
    return {"nodeSelectorTerms": [{"matchExpressions": wanted}]}


def _beside(name: str, user: dict[str, Any], job: dict[str, Any], submitted: int) -> list[dict[str, Any]]:
    extension = yaml.safe_dump(user["extension"])
    made = [_secret(f"{encode(name)}-usercred", "Opaque", {"userExtensionSecrets.yaml": extension})]
    images = [image["auth"] for image in job["prerequisites"]["dockerimage"].values() if image.get("auth")]
    if images:
        logins = {
            auth.get("registryuri", "https://index.docker.io/v1/"): {
                "auth": base64.b64encode(f"{auth.get('username', '')}:{auth.get('password', '')}".encode()).decode()
            }
            for auth in images
        }
        config = {".dockerconfigjson": json.dumps({"auths": logins})}
        made.append(_secret(f"{encode(name)}-regcred", "kubernetes.io/dockerconfigjson", config))
    if job.get("secrets"):
        made.append(_secret(f"{encode(name)}-configcred", "Opaque", {"secrets.yaml": yaml.safe_dump(job["secrets"])}))
    first = next(iter(job["taskRoles"].values()))
    priority = max(-1, min(126, first.get("hivedPodSpec", {}).get("priority", 0)))
    made.append(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": f"{encode(name)}-priority"},
            # Earlier jobs of the same priority come first; 16 seconds are one step.
            "value": -(((126 - priority) << 24) + ((submitted // 16) & (2**24 - 1))),
            "preemptionPolicy": "PreemptLowerPriority",
            "globalDefault": False,
        }
    )
    return made


def _secret(name: str, kind: str, values: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": fields(values)}
