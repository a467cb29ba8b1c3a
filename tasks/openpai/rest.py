"""OpenPAI's REST API, as far as a first job and an admin's password need it (upstream: src/rest-server)."""

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from pydantic import SecretStr

ENDED = frozenset(("SUCCEEDED", "FAILED", "STOPPED"))
# A connection to a port of the master, however it is made.
Connect = Callable[[int], http.client.HTTPConnection]


class RestError(Exception):
    """What the API refused, or that it could not be asked, in one sentence; `code` is OpenPAI's own word."""

    def __init__(self, said: str, code: str = ""):
        self.code = code
        super().__init__(said)


class Rest:
    """The API of one cluster through pylon, OpenPAI's way in; `connect` opens a connection to a port of the master."""

    def __init__(self, connect: Connect, port: int = 80):
        self._connect, self._port = connect, port
        self._token: SecretStr | None = None

    def login(self, user: str, password: SecretStr) -> None:
        """Log in; RestError, of code IncorrectPasswordError or NoUserError, where that is refused."""
        form = urlencode({"username": user, "password": password.get_secret_value()})
        answer = self._api("POST", "/api/v1/authn/basic/login", form, "application/x-www-form-urlencoded")
        self._token = SecretStr(answer["token"])

    def submit(self, job: dict[str, Any]) -> None:
        """Submit `job`, a job of protocol version 2."""
        self._api("POST", "/api/v2/jobs", yaml.safe_dump(job), "text/yaml")

    def state(self, job: str) -> dict[str, Any]:
        """`jobStatus` of USER~NAME: its state and what went wrong."""
        return self._api("GET", f"/api/v2/jobs/{quote(job)}")["jobStatus"]

    def log(self, job: str, role: str) -> str | None:
        """What the first task of `role` printed; None of an OpenPAI before v1.5.0, whose REST has no logs."""
        place = f"/api/v2/jobs/{quote(job)}/attempts/0/taskRoles/{quote(role)}/taskIndex/0/attempts/0/logs"
        try:
            locations = {one["name"]: one["uri"] for one in self._api("GET", place)["locations"]}
        except RestError as error:
            if error.code == "NoApiError":
                return None
            raise
        if "all" not in locations:
            raise RestError("OpenPAI has no log of it yet")
        return self._ask("GET", locations["all"]).decode(errors="replace")

    def stop(self, job: str) -> None:
        """Stop the job USER~NAME."""
        self._api("PUT", f"/api/v2/jobs/{quote(job)}/executionType", json.dumps({"value": "STOP"}), "application/json")

    def change_password(self, user: str, old: SecretStr, new: SecretStr) -> None:
        """Give `user` the password `new`; tokens of browsers end with it."""
        body = {"oldPassword": old.get_secret_value(), "newPassword": new.get_secret_value()}
        self._api("PUT", f"/api/v2/users/{quote(user)}/password", json.dumps(body), "application/json")

    def _api(self, method: str, path: str, body: str | None = None, kind: str | None = None) -> dict[str, Any]:
        text = self._ask(method, f"/rest-server{path}", body, kind)
        try:
            return json.loads(text)
        except ValueError:
            raise RestError(f"{path} answered something that is not OpenPAI's: {text[:100]!r}") from None

    def _ask(self, method: str, path: str, body: str | None = None, kind: str | None = None) -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        try:
            connection = self._connect(self._port)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise RestError(f"port {self._port} of the master does not answer ({said})") from None
        if answer.status >= 400:
            raise _refusal(path.partition("?")[0], answer.status, content)
        return content


def _refusal(path: str, status: int, content: bytes) -> RestError:
    try:
        told = json.loads(content)
        return RestError(f"{told['message']} ({told['code']})", told["code"])
    except (ValueError, KeyError, TypeError):
        return RestError(f"{path} answered with status {status}")
