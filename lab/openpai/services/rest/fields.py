"""What bodies of requests must look like, refused in the words of Joi, the library that rest-server checks with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..web import Refusal


@dataclass(frozen=True)
class Text:
    """A string: how long at least, which pattern (and what it is called), or which words."""

    required: bool = False
    shortest: int = 0
    pattern: str | None = None
    called: str = ""
    words: tuple[str, ...] = ()

    def fault(self, name: str, value: Any) -> str | None:
        """What is wrong with `value`, in Joi's words."""
        if self.words and value not in self.words:
            return f'"{name}" must be one of [{", ".join(self.words)}]'
        if not isinstance(value, str):
            return f'"{name}" must be a string'
        if not value:
            return f'"{name}" is not allowed to be empty'
        if len(value) < self.shortest:
            return f'"{name}" length must be at least {self.shortest} characters long'
        if self.pattern and not re.search(self.pattern, value, re.ASCII):
            return f'"{name}" with value "{value}" fails to match the {self.called} pattern'
        return None


@dataclass(frozen=True)
class Of:
    """A value of one of Python's types; `called` is the type's name in Joi's sentence."""

    kind: type
    called: str
    required: bool = False

    def fault(self, name: str, value: Any) -> str | None:
        """What is wrong with `value`, in Joi's words."""
        return None if isinstance(value, self.kind) else f'"{name}" must be {self.called}'


@dataclass(frozen=True)
class Number:
    """A whole number, which a form has as text."""

    required: bool = False

    def fault(self, name: str, value: Any) -> str | None:
        """What is wrong with `value`, in Joi's words."""
        return None if re.fullmatch(r"\d+", str(value)) else f'"{name}" must be a number'


@dataclass(frozen=True)
class Fields:
    """An object with these keys and no others."""

    keys: Mapping[str, Rule]
    required: bool = False

    def fault(self, name: str, value: Any) -> str | None:
        """The first thing that is wrong with `value`, in Joi's words."""
        if not isinstance(value, dict):
            return f'"{name}" must be an object'
        for key, rule in self.keys.items():
            missing = f'"{key}" is required' if rule.required else None
            fault = rule.fault(key, value[key]) if key in value else missing
            if fault:
                return f'child "{key}" fails because [{fault}]'
        unknown = next((key for key in value if key not in self.keys), None)
        return None if unknown is None else f'"{unknown}" is not allowed'


Rule = Text | Of | Number | Fields

NAME = Text(required=True, pattern=r"^[\w.-]+$", called="username")
PASSWORD = Text(shortest=6)
EMAIL = Text(pattern=r"@")
EXTENSION = Of(dict, "an object")

LOGIN = Fields(
    {
        "username": NAME,
        "password": Text(required=True, shortest=6),
        "expiration": Number(),
    }
)
CHANGED_PASSWORD = Fields({"oldPassword": PASSWORD, "newPassword": Text(required=True, shortest=6)})
EXECUTION = Fields({"value": Text(required=True, words=("STOP", "START"))})
TAG = Fields({"value": Text(required=True, pattern="^[^,]+$", called="value")})
NEW_USER = Fields(
    {
        "username": NAME,
        "email": EMAIL,
        "virtualCluster": Of(list, "an array"),
        "admin": Of(bool, "a boolean"),
        "password": Text(required=True, shortest=6),
        "extension": EXTENSION,
    }
)


def own_update(patch: bool) -> Fields:
    """What PUT /users/me takes: all of it, or with `patch` parts."""
    data: dict[str, Rule] = {
        "username": NAME,
        "email": Text(pattern=r"@", required=not patch),
        "newPassword": Text(shortest=6, required=not patch),
        "oldPassword": PASSWORD,
        "extension": EXTENSION,
    }
    return Fields({"patch": Of(bool, "a boolean"), "data": Fields(data)})


def admin_update(patch: bool) -> Fields:
    """What PUT /users takes of an administrator: all of it, or with `patch` parts."""
    whole = not patch
    data: dict[str, Rule] = {
        "username": NAME,
        "email": Text(pattern=r"@", required=whole),
        "virtualCluster": Of(list, "an array", whole),
        "admin": Of(bool, "a boolean", whole),
        "password": Text(shortest=6, required=whole),
        "extension": Of(dict, "an object", whole),
    }
    return Fields({"patch": Of(bool, "a boolean"), "data": Fields(data)})


def check(body: Any, rule: Fields) -> dict[str, Any]:
    """The body as it is, when it fits; else Refusal 400 InvalidParametersError."""
    body = body if body != "" else {}
    fault = rule.fault("value", body)
    if fault:
        raise Refusal(400, "InvalidParametersError", fault)
    return body
