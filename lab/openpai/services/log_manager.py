"""log-manager's stand-in: what jobs have written on this node, for whoever has a token that lives two minutes.

`python3 -m services.log_manager nginx` serves; `cleaner` stands for the container beside it, and deletes nothing."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from . import fault, jwt
from .web import Answer, Refusal, Request, Server, Site

LOGS = Path("/usr/local/pai/logs")
PLACE = ("username", "framework-name", "taskrole", "pod-uid")
TAIL_BYTES = 16384
PORT = 80


def site(logs: Path, node: str, name: str, password: str, secret: str, seconds: int) -> Site:
    """The logs under a folder; `name` and `password` are the administrator's, `secret` signs tokens."""
    subject = f"log-manager-{node}"

    def token(request: Request) -> Answer:
        body = request.content
        if not isinstance(body, dict):
            return Answer(b"", 400)
        if (body.get("username"), body.get("password")) != (name, password):
            return Answer(b"", 401)
        return Answer({"token": jwt.sign({"sub": subject}, secret, seconds)})

    def folder(request: Request) -> Path:
        query = request.query
        payload = jwt.verify(query.get("token", ""), secret)
        if payload is None or payload.get("sub") != subject:
            raise Refusal(403, None, "")
        parts = [query.get(part, "") for part in PLACE]
        if not all(_harmless(part) for part in parts):
            raise Refusal(400, None, "")
        return logs.joinpath(*parts)

    def listed(request: Request) -> Answer:
        place = folder(request)
        if not place.is_dir():
            return Answer(b"", 404)
        names = {re.sub(r"^user(-|\.pai\.)", "", file.name): file.name for file in place.iterdir() if _is_log(file)}
        suffix = request.target.partition("?")[2]
        return Answer({shown: f"/api/v1/logs/{file}?{suffix}" for shown, file in names.items()})

    def content(request: Request) -> Answer:
        log, place = request.parameters["log"], folder(request)
        if not _harmless(log):
            return Answer(b"", 400)
        path = place / log / "current" if log.startswith("user-") else place / log
        if not path.is_file():
            return Answer(b"", 404)
        data = path.read_bytes()
        tail = request.query.get("tail-mode") == "true"
        shown = f'attachment; filename="{log}.log"' if log.startswith("user-") else "attachment"
        headers = {"Content-Disposition": shown}
        return Answer(data[-TAIL_BYTES:] if tail else data, 206 if tail else 200, "text/plain", headers)

    found = Site(lambda _: Answer(b"", 404))
    found.add("GET", "/healthz", lambda _: Answer("Log manager ready."))
    found.add("POST", "/api/v1/tokens", token)
    found.add("GET", "/api/v1/logs", listed)
    found.add("GET", "/api/v1/logs/:log", content)
    return found


def _is_log(path: Path) -> bool:
    return path.is_file() or path.name.startswith("user-")


def _harmless(word: str) -> bool:
    return bool(re.fullmatch(r"[\w.~-]+", word, re.ASCII)) and word not in (".", "..")


def main() -> None:
    """Run one of the two containers."""
    fault.begin()
    while sys.argv[1] == "cleaner":
        time.sleep(3600)
    node, name, password = (os.environ[key] for key in ("NODE_NAME", "ADMIN_NAME", "ADMIN_PASSWORD"))
    secret, seconds = os.environ["JWT_SECRET"], int(os.environ["TOKEN_EXPIRED_SECOND"])
    Server(site(LOGS, node, name, password, secret, seconds), PORT).serve_forever()


if __name__ == "__main__":
    main()
