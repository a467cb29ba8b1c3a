"""What daemon.json should say and how a running dockerd takes it. Pure: text and dictionaries in, decisions out."""

import json
from enum import Enum
from typing import Any

# Keys that dockerd reads again on SIGHUP (its reference, "Configuration reload behavior"); all others need a restart.
RELOADABLE = frozenset(
    {
        "allow-nondistributable-artifacts", "authorization-plugins", "debug", "default-runtime", "features",
        "insecure-registries", "labels", "live-restore", "max-concurrent-downloads", "max-concurrent-uploads",
        "max-download-attempts", "registry-mirrors", "runtimes", "shutdown-timeout",
    }
)  # fmt: skip
# daemon.json keys whose command-line flag has another name; the rest are `--key`.
_FLAGS = {
    "authorization-plugins": "--authorization-plugin",
    "exec-opts": "--exec-opt",
    "hosts": "--host",
    "insecure-registries": "--insecure-registry",
    "labels": "--label",
    "log-opts": "--log-opt",
    "registry-mirrors": "--registry-mirror",
    "storage-opts": "--storage-opt",
}


class Take(Enum):
    """What makes the daemon run with the file."""

    NOTHING = "nothing"
    RELOAD = "reload"
    RESTART = "restart"


def parse(text: str | None) -> dict[str, Any]:
    """The file's content as a dictionary; ValueError, naming line and column, when it is not a JSON object."""
    if not text or not text.strip():
        return {}
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: {error.msg}") from None
    if not isinstance(content, dict):
        raise ValueError("line 1 column 1: not a JSON object")
    return content


def merge(current: dict[str, Any], settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """`current` with `settings` put in and `defaults` where it says nothing; keys that neither names are kept.

    Objects are merged key by key; lists gain what they lack, in order, and lose nothing.
    """
    merged = dict(current)
    for key, value in settings.items():
        before = merged.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = merge(before, value, {})
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = before + [item for item in value if item not in before]
        else:
            merged[key] = value
    for key, value in defaults.items():
        merged.setdefault(key, value)
    return merged


def needed(in_force: dict[str, Any] | None, wanted: dict[str, Any]) -> Take:
    """What it takes to get from what the daemon runs with (None: unknown) to `wanted`."""
    if in_force is None:
        return Take.RESTART
    changed = {key for key in in_force.keys() | wanted.keys() if in_force.get(key) != wanted.get(key)}
    if not changed:
        return Take.NOTHING
    return Take.RELOAD if changed <= RELOADABLE else Take.RESTART


def reloaded(in_force: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What a daemon that runs with `in_force` runs with after a reload of `wanted`: keys that need a restart wait."""
    kept = {key: value for key, value in in_force.items() if key not in RELOADABLE}
    return kept | {key: value for key, value in wanted.items() if key in RELOADABLE}


def confirmed(info: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """True when `docker info` shows the reloadable keys of `wanted` in force (those of them that it shows at all)."""
    registries = info.get("RegistryConfig") or {}
    insecure = set(registries.get("InsecureRegistryCIDRs") or []) | set(registries.get("IndexConfigs") or {})
    mirrors = {mirror.rstrip("/") for mirror in registries.get("Mirrors") or []}
    return (
        info.get("DefaultRuntime") == wanted.get("default-runtime", "runc")
        and set(wanted.get("runtimes", {})) <= set(info.get("Runtimes") or {})
        and bool(info.get("LiveRestoreEnabled")) == bool(wanted.get("live-restore", False))
        and all(any(entry in shown for shown in insecure) for entry in wanted.get("insecure-registries", []))
        and {mirror.rstrip("/") for mirror in wanted.get("registry-mirrors", [])} <= mirrors
    )


def clashes(exec_start: str, wanted: dict[str, Any]) -> list[str]:
    """Keys set both in the file and as a flag of the unit's command line: dockerd refuses to start with either."""
    words = exec_start.replace("=", " ").split()
    flags = {"--host" if word == "-H" else word for word in words if word.startswith("-")}
    return sorted(key for key in wanted if _FLAGS.get(key, f"--{key}") in flags)
