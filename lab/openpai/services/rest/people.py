"""Users, groups and tokens: Secrets in the namespaces pai-user-v2, pai-group and pai-user-token."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from .. import jwt
from ..kube import Kube
from ..secrets import Records
from ..web import Refusal

ITERATIONS = 10000


def encrypt(name: str, password: str) -> str:
    """A password as it is kept: PBKDF2 over SHA-512, salted with the MD5 of the user's name."""
    salt = hashlib.md5(name.encode()).hexdigest()
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt.encode(), ITERATIONS, 64).hex()


class Groups:
    """Groups, which say who is an administrator and who may use which virtual cluster."""

    def __init__(self, kube: Kube):
        self._records = Records(kube, "pai-group")

    def all(self) -> list[dict[str, Any]]:
        """Every group."""
        return [_group(record) for record in self._records.all()]

    def get(self, name: str) -> dict[str, Any] | None:
        """One group; None when there is none."""
        record = self._records.read(name)
        return None if record is None else _group(record)

    def ensure(self, name: str, description: str, external: str, extension: dict[str, Any]) -> None:
        """Make a group that is not there yet."""
        fields = {"groupname": name, "description": description, "externalName": external}
        self._records.create(name, fields | {"extension": json.dumps(extension)})

    def rights(self, names: list[str], clusters: Callable[[], list[str]]) -> tuple[bool, list[str]]:
        """Whether the groups make an administrator, and the virtual clusters they open (`clusters`: all of them)."""
        opened: list[str] = []
        for name in names:
            rights = (self.get(name) or {}).get("extension", {}).get("acls", {})
            if rights.get("admin"):
                return True, clusters()
            opened += [cluster for cluster in rights.get("virtualClusters", []) if cluster not in opened]
        return False, opened


class Users:
    """Users, with their hashed passwords."""

    def __init__(self, kube: Kube):
        self._records = Records(kube, "pai-user-v2")

    def all(self) -> list[dict[str, Any]]:
        """Every user."""
        return [_user(record) for record in self._records.all()]

    def get(self, name: str) -> dict[str, Any] | None:
        """One user; None when there is none."""
        record = self._records.read(name)
        return None if record is None else _user(record)

    def create(self, user: dict[str, Any]) -> bool:
        """Make a user whose `password` is not hashed yet; False when there is one of that name."""
        return self._records.create(user["username"], _fields(user, hashed=False))

    def update(self, user: dict[str, Any], new_password: bool = False) -> None:
        """Change a user; with `new_password`, its `password` is not hashed yet."""
        self._records.replace(user["username"], _fields(user, hashed=not new_password))

    def remove(self, name: str) -> None:
        """Remove a user, if there is one."""
        self._records.remove(name)


class Tokens:
    """The tokens that users have; one that was revoked or has expired is none."""

    def __init__(self, kube: Kube, secret: str, lifetime: str):
        self._records = Records(kube, "pai-user-token")
        self._secret = secret
        self._seconds = seconds(lifetime)

    def create(self, name: str, application: bool = False) -> str:
        """A new token of a user; an application's lives for ever."""
        payload = {"username": name, "application": application, "jobSpecific": False, "encodedFrameworkName": ""}
        token = jwt.sign(payload, self._secret, None if application else self._seconds)
        kept = self._records.read(name)
        if kept is None:
            self._records.create(name, {str(uuid.uuid4()): token})
        else:
            self._records.replace(name, self._valid(kept) | {str(uuid.uuid4()): token})
        return token

    def list(self, name: str) -> list[str]:
        """A user's tokens."""
        return list(self._valid(self._records.read(name) or {}).values())

    def verify(self, token: str) -> dict[str, Any] | None:
        """What a token says of its user; None when it is not in force."""
        payload = jwt.verify(token, self._secret)
        if payload and payload.get("username") and token in self.list(payload["username"]):
            return payload
        return None

    def revoke(self, name: str, which: Callable[[str], bool]) -> None:
        """Take the tokens that `which` names from a user."""
        kept = self._valid(self._records.read(name) or {})
        self._records.replace(name, {key: token for key, token in kept.items() if not which(token)})

    def _valid(self, tokens: dict[str, str]) -> dict[str, str]:
        return {key: token for key, token in tokens.items() if jwt.verify(token, self._secret)}


def seconds(lifetime: str) -> float:
    """The seconds of a duration as jsonwebtoken reads it: 7d, 12h, 30m, 45s."""
    match = re.fullmatch(r"(\d+)\s*([dhms])?", lifetime)
    if match is None:
        raise ValueError(f"{lifetime!r} is no duration")
    return int(match[1]) * {"d": 86400, "h": 3600, "m": 60, "s": 1, None: 0.001}[match[2]]


def no_user(name: str, status: int = 404) -> Refusal:
    """The refusal for a user that does not exist."""
    return Refusal(status, "NoUserError", f"User {name} {'not' if status == 404 else 'is not'} found.")


def _user(record: dict[str, str]) -> dict[str, Any]:
    return record | {part: json.loads(record[part]) for part in ("grouplist", "extension")}


def _group(record: dict[str, str]) -> dict[str, Any]:
    return record | {"extension": json.loads(record["extension"])}


def _fields(user: dict[str, Any], hashed: bool) -> dict[str, str]:
    password = user["password"] if hashed else encrypt(user["username"], user["password"])
    parts = {part: json.dumps(user[part]) for part in ("grouplist", "extension")}
    return {"username": user["username"], "email": user.get("email", ""), "password": password, **parts}
