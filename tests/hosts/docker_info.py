"""What `docker info` shows of the daemon's options, beside what daemon.json says."""

from __future__ import annotations

from typing import Any


def differing(info: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """The keys of daemon.json that the daemon runs with otherwise, of those that `docker info` shows."""
    same = {
        "default-runtime": info.get("DefaultRuntime") == settings.get("default-runtime", "runc"),
        "live-restore": info.get("LiveRestoreEnabled") == settings.get("live-restore", False),
        "log-driver": info.get("LoggingDriver") == settings.get("log-driver", "json-file"),
        "runtimes": set(settings.get("runtimes", {})) <= set(info.get("Runtimes", {})),
        "registry-mirrors": not missing_mirrors(info, settings.get("registry-mirrors", [])),
        "insecure-registries": not missing_insecure(info, settings.get("insecure-registries", [])),
    }
    return [key for key, is_same in same.items() if not is_same]


def mirrors(info: dict[str, Any]) -> list[str]:
    """The registry mirrors in use, without the slash at their end."""
    return [url.rstrip("/") for url in info["RegistryConfig"].get("Mirrors") or []]


def missing_mirrors(info: dict[str, Any], wanted: list[str]) -> list[str]:
    """Those of `wanted` that are not in use."""
    return [url for url in wanted if url.rstrip("/") not in mirrors(info)]


def insecure(info: dict[str, Any]) -> list[str]:
    """The registries, and the networks of registries, that the daemon talks to without TLS."""
    shown = info["RegistryConfig"]
    names = [name for name, entry in (shown.get("IndexConfigs") or {}).items() if not entry.get("Secure")]
    return names + (shown.get("InsecureRegistryCIDRs") or [])


def missing_insecure(info: dict[str, Any], wanted: list[str]) -> list[str]:
    """Those of `wanted` that are not among them; the daemon shows a bare address as a network of one."""
    shown = insecure(info)
    return [name for name in wanted if not {name, f"{name}/32", f"{name}/128"} & set(shown)]
