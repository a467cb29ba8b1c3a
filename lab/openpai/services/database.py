"""PostgreSQL's stand-in: OpenPAI's tables as JSON files, over HTTP on PostgreSQL's port.

As with the real image, the password of the environment counts only while the data folder is empty."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from . import fault
from .web import Answer, Refusal, Request, Server, Site

TABLES = ("frameworks", "tags")
TIMEOUT = 10


class Client:
    """The database of a connection string: postgresql://USER:PASSWORD@HOST:PORT/NAME."""

    def __init__(self, connection: str):
        parts = urllib.parse.urlsplit(connection)
        self._url = f"http://{parts.hostname}:{parts.port}"
        login = f"{parts.username}:{parts.password}"
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}"

    def get(self, table: str, name: str) -> Any:
        """A row; None when there is none."""
        return self._call("GET", f"/{table}/{name}")

    def all(self, table: str) -> list[Any]:
        """Every row of a table."""
        return self._call("GET", f"/{table}")

    def put(self, table: str, name: str, row: Any) -> None:
        """Write a row."""
        self._call("PUT", f"/{table}/{name}", row)

    def _call(self, method: str, path: str, row: Any = None) -> Any:
        body = None if row is None else json.dumps(row).encode()
        headers = {"Authorization": self._login, "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise Refusal(500, None, _problem(error.read().decode())) from error
        except OSError as error:
            raise Refusal(500, None, _problem(str(error))) from error


def site(folder: Path, user: str, password: str) -> Site:
    """The database in a folder, for whoever knows the password that it was made with."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        (folder / table).mkdir(exist_ok=True)
    keeper = folder / "password"
    if not keeper.exists():
        keeper.write_text(hashlib.sha256(password.encode()).hexdigest())
    lock = threading.Lock()

    def admitted(request: Request) -> None:
        login = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        given = login.partition(":")[2]
        if not login.startswith(f"{user}:") or hashlib.sha256(given.encode()).hexdigest() != keeper.read_text():
            raise Refusal(403, None, f'password authentication failed for user "{user}"')

    def path(request: Request) -> Path:
        table = request.parameters["table"]
        if table not in TABLES:
            raise Refusal(404, None, f'relation "{table}" does not exist')
        return folder / table / f"{request.parameters['name']}.json"

    def read(request: Request) -> Answer:
        admitted(request)
        with lock:
            if not path(request).exists():
                raise Refusal(404, None, "no row")
            return Answer(path(request).read_bytes(), kind="application/json")

    def every(request: Request) -> Answer:
        admitted(request)
        request.parameters["name"] = ""
        with lock:
            return Answer([json.loads(file.read_text()) for file in sorted(path(request).parent.glob("*.json"))])

    def write(request: Request) -> Answer:
        admitted(request)
        target = path(request)
        with lock:
            draft = target.with_suffix(".new")
            draft.write_bytes(request.body)
            draft.rename(target)
        return Answer({})

    def missing(request: Request) -> Answer:
        raise Refusal(404, None, request.path)

    found = Site(missing)
    found.add("GET", "/:table", every)
    found.add("GET", "/:table/:name", read)
    found.add("PUT", "/:table/:name", write)
    return found


def _problem(message: str) -> str:
    return f"There is a problem with your database connection. Please contact your admin. Detailed message: {message}"


def main() -> None:
    """Serve; the port is PostgreSQL's own argument: `-c port=5432`. With `check`, try to log in and end."""
    user, password = os.environ["POSTGRES_USER"], os.environ.get("POSTGRES_PASSWORD") or os.environ["PGPASSWORD"]
    if sys.argv[1:] == ["check"]:
        Client(f"postgresql://{user}:{password}@127.0.0.1:{os.environ['POSTGRES_PORT']}/").all("frameworks")
        return
    fault.begin()
    port = next(word.removeprefix("port=") for word in sys.argv if word.startswith("port="))
    Server(site(Path(os.environ["PGDATA"]), user, password), int(port)).serve_forever()


if __name__ == "__main__":
    main()
