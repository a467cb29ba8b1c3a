"""JSON Web Tokens signed with HS256, as rest-server and log-manager give them out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any


def sign(payload: dict[str, Any], secret: str, seconds: float | None) -> str:
    """A token with this payload; it lives so many seconds, or for ever."""
    now = int(time.time())
    claims = payload | {"iat": now} | ({} if seconds is None else {"exp": now + int(seconds)})
    head = f"{_text({'alg': 'HS256', 'typ': 'JWT'})}.{_text(claims)}"
    return f"{head}.{_signature(head, secret)}"


def verify(token: str, secret: str) -> dict[str, Any] | None:
    """The payload of a token; None when another secret signed it, when it has expired, or when it is none."""
    head, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(head, secret).encode()):
        return None
    payload = read(token)
    return None if payload is None or payload.get("exp", time.time() + 1) <= time.time() else payload


def read(token: str) -> dict[str, Any] | None:
    """The payload of a token, whoever signed it; None when it is none."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _text(thing: dict[str, Any]) -> str:
    return _encode(json.dumps(thing, separators=(",", ":")).encode())


def _signature(head: str, secret: str) -> str:
    return _encode(hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
