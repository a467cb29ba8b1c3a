"""The job protocol, version 2: what a job's YAML may say, and the commands that come of it.

https://openpai.readthedocs.io/en/latest/manual/cluster-user/how-to-use-advanced-job-settings.html"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from ..web import Refusal
from . import schema

WORD = "^[a-zA-Z_][a-zA-Z0-9_]*$"
TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$", "maxLength": 255}
VERSION = {"enum": ["2", 2]}
OPTIONAL_COUNT = {"type": ["integer", "null"]}


def _closed(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False} | more


def _texts(least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": TEXT, "minItems": least}


def _by_word(each: dict[str, Any]) -> dict[str, Any]:
    return {"patternProperties": {WORD: each}, "minProperties": 1, "additionalProperties": False}


ABOUT = {
    "protocolVersion": VERSION,
    "name": NAME,
    "version": {"type": ["string", "number"]},
    "contributor": TEXT,
    "description": TEXT,
}
RESOURCES = _closed(
    {"cpu": INTEGER, "memoryMB": INTEGER, "gpu": INTEGER, "ports": _by_word(INTEGER)},
    required=["cpu", "memoryMB", "gpu"],
)
TASK_ROLE = _closed(
    {
        "protocolVersion": VERSION,
        "instances": {"type": "integer", "minimum": 1},
        "completion": _closed({"minFailedInstances": OPTIONAL_COUNT, "minSucceededInstances": OPTIONAL_COUNT}),
        "taskRetryCount": INTEGER,
        "prerequisites": _texts(),
        **{name: TEXT for name in ("dockerImage", "data", "output", "script")},
        "extraContainerOptions": {"type": "object", "properties": {"shmMB": INTEGER}},
        "resourcePerInstance": RESOURCES,
        "commands": _texts(1),
    },
    required=["dockerImage", "resourcePerInstance", "commands"],
)
PREREQUISITE = {
    "type": "object",
    "properties": {**ABOUT, "type": {"type": "string", "enum": ["script", "output", "data", "dockerimage"]}},
    "required": ["name", "type"],
}
COMMANDS = _closed({"preCommands": _texts(1), "postCommands": _texts(1)})
DEPLOYMENT = {
    "type": "object",
    "properties": {"protocolVersion": VERSION, "name": NAME, "taskRoles": _by_word(COMMANDS)},
    "required": ["name", "taskRoles"],
}
PROTOCOL = _closed(
    {
        **ABOUT,
        "type": {"type": "string", "enum": ["job"]},
        "prerequisites": {"type": "array", "items": PREREQUISITE, "minItems": 1},
        "parameters": {"type": "object"},
        "secrets": {"type": "object"},
        "jobRetryCount": {"type": "integer", "minimum": 0},
        "taskRoles": _by_word(TASK_ROLE),
        "deployments": {"type": "array", "items": DEPLOYMENT, "minItems": 1},
        "defaults": {"type": "object", "properties": {"deployment": TEXT}},
        "extras": {"type": "object"},
    },
    required=["protocolVersion", "name", "type", "taskRoles"],
)
REFERENCES = {"script": "script", "output": "output", "data": "data", "dockerImage": "dockerimage"}
"""Keys of a task role that name a prerequisite, and the type of it."""


def refuse(message: Any) -> Refusal:
    """The refusal of a job whose protocol is wrong."""
    text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
    return Refusal(400, "InvalidProtocolError", text)


def read(text: str) -> dict[str, Any]:
    """The job of a YAML text: prerequisites by type and name, deployments by name, each role's `entrypoint`.

    Refusal 400 InvalidProtocolError says what is wrong with it; YAML that cannot be read is an error 500, as upstream.
    """
    job = yaml.safe_load(text)
    faults = schema.errors(PROTOCOL, job)
    if faults:
        raise refuse(faults)
    prerequisites: dict[str, dict[str, Any]] = {kind: {} for kind in REFERENCES.values()}
    for item in job.get("prerequisites", []):
        if item["name"] in prerequisites[item["type"]]:
            raise refuse(f"Duplicate {item['type']} prerequisites {item['name']}.")
        prerequisites[item["type"]][item["name"]] = item
    job["prerequisites"] = prerequisites
    deployments: dict[str, Any] = {}
    for item in job.get("deployments", []):
        if item["name"] in deployments:
            raise refuse(f"Duplicate deployments {item['name']}.")
        deployments[item["name"]] = item
    job["deployments"] = deployments
    _check_references(job)
    chosen = job.get("defaults", {}).get("deployment")
    if chosen and chosen not in deployments:
        raise refuse(f"Default deployment {chosen} does not exist.")
    for name, role in job["taskRoles"].items():
        role["entrypoint"] = _entrypoint(job, name, deployments.get(chosen, {}))
    return job


def masked(text: str) -> str:
    """A job's YAML without the values of its secrets."""
    return re.sub(r"(?ms)(^secrets:).*?(^\w)", r'\1 "******"\n\2', text + "\nZ")[:-2]


def _check_references(job: dict[str, Any]) -> None:
    everything = {name for kind in job["prerequisites"].values() for name in kind}
    for role in job["taskRoles"].values():
        wanted = [(name, name in everything) for name in role.get("prerequisites", [])]
        wanted += [(role[key], role[key] in job["prerequisites"][REFERENCES[key]]) for key in REFERENCES if key in role]
        missing = next((name for name, there in wanted if not there), None)
        if missing:
            raise refuse(f"Prerequisite {missing} does not exist.")


def _entrypoint(job: dict[str, Any], name: str, deployment: dict[str, Any]) -> str:
    role = job["taskRoles"][name]
    around = deployment.get("taskRoles", {}).get(name, {})
    commands = [*around.get("preCommands", []), *role["commands"], *around.get("postCommands", [])]
    values = {"$parameters": job.get("parameters", {})}
    for key, kind in REFERENCES.items():
        values[f"${kind}"] = job["prerequisites"][kind].get(role.get(key), {})

    def value(match: re.Match[str]) -> str:
        found: Any = values
        for part in re.sub(r"\[(\d+)\]", r".\1", match[1].strip()).split("."):
            if isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                found = found.get(part) if isinstance(found, dict) else None
        return match[0] if found is None else str(found)

    return re.sub(r"<%([^%]*)%>", value, "\n".join(command.strip() for command in commands)).strip()
