"""Named records in Kubernetes Secrets, as rest-server keeps users, groups and tokens: the Secret is named by the
record's name in hex, its fields are the record's."""

from __future__ import annotations

import base64
from typing import Any

from .kube import Kube


def encode(fields: dict[str, str]) -> dict[str, str]:
    """Fields as a Secret's `data`."""
    return {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()}


class Records:
    """The records of one namespace, which is made when it is not there."""

    def __init__(self, kube: Kube, namespace: str):
        self._kube = kube
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})

    def read(self, name: str) -> dict[str, str] | None:
        """The fields of a record; None when there is none."""
        found = self._kube.get(f"{self._path}/{_hex(name)}")
        return None if found is None else _decode(found)

    def all(self) -> list[dict[str, str]]:
        """Every record; the namespace's service account tokens are none."""
        items = (self._kube.get(self._path) or {"items": []})["items"]
        return [_decode(item) for item in items if item.get("type", "Opaque") == "Opaque"]

    def create(self, name: str, fields: dict[str, str]) -> bool:
        """Make a record; False when there is one of that name."""
        return self._kube.create(self._path, self._secret(name, fields)) is not None

    def replace(self, name: str, fields: dict[str, str]) -> None:
        """Change a record that is there."""
        self._kube.replace(f"{self._path}/{_hex(name)}", self._secret(name, fields))

    def remove(self, name: str) -> None:
        """Remove a record, if it is there."""
        self._kube.delete(f"{self._path}/{_hex(name)}")

    def _secret(self, name: str, fields: dict[str, str]) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _hex(name)}, "data": encode(fields)}


def _hex(name: str) -> str:
    return name.encode().hex()


def _decode(found: dict[str, Any]) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in (found.get("data") or {}).items()}
