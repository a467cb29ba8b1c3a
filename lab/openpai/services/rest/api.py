"""What rest-server does for each of its routes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import jwt
from ..web import Answer, Refusal, Request
from . import fields, frameworks, people, protocol, skus
from .clusters import Clusters
from .jobs import Jobs, Logs
from .people import Groups, Tokens, Users

User = dict[str, Any]


@dataclass
class Api:
    """What the routes work with; `version` is asked for once a request."""

    users: Users
    groups: Groups
    tokens: Tokens
    jobs: Jobs
    logs: Logs
    clusters: Clusters
    settings: frameworks.Settings
    version: Callable[[], str | None]

    def info(self, request: Request) -> Answer:
        """What this is."""
        told = {"name": "PAI RESTful API", "version": self.version(), "launcherType": "k8s", "authnMethod": "basic"}
        return Answer(told)

    def authn_info(self, request: Request) -> Answer:
        """How to log in."""
        return Answer({"authn_type": "basic", "loginURI": "/api/v1/authn/basic/login", "loginURIMethod": "post"})

    def login(self, request: Request) -> Answer:
        """A token for a name and its password."""
        body = fields.check(request.content, fields.LOGIN)
        user = self.users.get(body["username"])
        if user is None:
            raise people.no_user(body["username"], 400)
        if people.encrypt(body["username"], body["password"]) != user["password"]:
            raise Refusal(400, "IncorrectPasswordError", "Password is incorrect.")
        admin, _ = self.groups.rights(user["grouplist"], self.clusters.names)
        return Answer({"user": user["username"], "token": self.tokens.create(user["username"]), "admin": admin})

    def logout(self, request: Request, user: User) -> Answer:
        """Revoke the token that the request came with."""
        token = request.headers["Authorization"].split(" ")[1]
        self.tokens.revoke(user["username"], lambda one: one == token)
        return Answer({"message": "Logout successfully"})

    def list_tokens(self, request: Request, user: User) -> Answer:
        """The user's tokens."""
        return Answer({"tokens": self.tokens.list(user["username"])})

    def application_token(self, request: Request, user: User) -> Answer:
        """A token for an application, which lives for ever."""
        return Answer({"token": self.tokens.create(user["username"], application=True), "application": True})

    def check_token(self, request: Request, user: User) -> Answer:
        """Whose token it is."""
        return Answer({key: user[key] for key in ("username", "admin", "application")})

    def revoke_token(self, request: Request, user: User) -> Answer:
        """Take a token out of force."""
        token = request.parameters["token"]
        if (jwt.read(token) or {}).get("username") != user["username"]:
            message = f"User {user['username']} is not allowed to do this operation."
            raise Refusal(403, "ForbiddenUserError", message)
        self.tokens.revoke(user["username"], lambda one: one == token)
        return Answer({"message": "revoke successfully"})

    def submit(self, request: Request, user: User) -> Answer:
        """A new job from its YAML."""
        text = request.content if isinstance(request.content, str) else ""
        job = protocol.read(text)
        if self.settings.hived:
            skus.validate(job, self.settings.hived)
        name = f"{user['username']}~{job['name']}"
        if self.jobs.find(name) is not None:
            raise Refusal(409, "ConflictJobError", f"Job {name} already exists.")
        cluster = job.get("defaults", {}).get("virtualCluster", "default")
        _, allowed = self.groups.rights(user["grouplist"], self.clusters.names)
        if cluster not in allowed:
            message = f"User {user['username']} is not allowed to do operation in {cluster}"
            raise Refusal(403, "ForbiddenUserError", message)
        self.jobs.submit(frameworks.build(self.settings, user, job, text))
        message = f"Update job {job['name']} for user {user['username']} successfully."
        return Answer({"status": 202, "message": message}, 202)

    def list_jobs(self, request: Request, user: User) -> Answer:
        """The jobs of everybody, by query."""
        return Answer(self.jobs.search(request.query))

    def job(self, request: Request, user: User) -> Answer:
        """All about a job, or about one of its attempts."""
        attempt = request.parameters.get("attempt")
        return Answer(self.jobs.detail(request.parameters["job"], None if attempt is None else int(attempt)))

    def config(self, request: Request, user: User) -> Answer:
        """A job's YAML, without the values of its secrets."""
        return Answer(self.jobs.need(request.parameters["job"])["jobConfig"], kind="text/yaml; charset=utf-8")

    def execute(self, request: Request, user: User) -> Answer:
        """Start or stop a job."""
        value = fields.check(request.content, fields.EXECUTION)["value"]
        name = request.parameters["job"]
        self._own(user, self.jobs.need(name)["userName"], f"execute job {name}")
        self.jobs.execute(name, value)
        return Answer({"status": 202, "message": f"Execute job {name} successfully."}, 202)

    def task(self, request: Request, user: User) -> Answer:
        """The attempts of a task."""
        return Answer(self._task(request))

    def task_logs(self, request: Request, user: User) -> Answer:
        """Where the logs of a task's attempt are."""
        parts = request.parameters
        tail = request.query.get("tail-mode") == "true"
        return Answer(self.logs.locations(self._task(request), parts["job"], int(parts["retry"]), tail))

    def tag(self, request: Request, user: User) -> Answer:
        """Tag a job, or take a tag from it."""
        value = fields.check(request.content, fields.TAG)["value"]
        name, adding = request.parameters["job"], request.method == "PUT"
        doing = "add tag to" if adding else "delete tag from"
        self._own(user, name.split("~")[0], f"{doing} job {name}")
        self.jobs.tag(name, value, adding)
        done = f"Add tag {value} for" if adding else f"Delete tag {value} from"
        return Answer({"status": 200, "message": f"{done} job {name} successfully."})

    def user(self, request: Request, user: User) -> Answer:
        """All about a user."""
        found = self.users.get(request.parameters["name"])
        if found is None:
            raise people.no_user(request.parameters["name"], 400)
        return Answer(self._shown(found))

    def list_users(self, request: Request, user: User) -> Answer:
        """All about every user."""
        return Answer([self._shown(one) for one in self.users.all()])

    def create_user(self, request: Request, user: User) -> Answer:
        """A new user, in the default group and, if so asked, among the administrators."""
        body = fields.check(request.content, fields.NEW_USER)
        groups = [*body.get("virtualCluster", []), "default", *(["admingroup"] if body.get("admin") else [])]
        new = {"email": "", "extension": {}} | body | {"grouplist": list(dict.fromkeys(groups))}
        if not self.users.create(new):
            raise Refusal(409, "ConflictUserError", f"User name {body['username']} already exists.")
        return Answer({"message": "User is created successfully"}, 201)

    def delete_user(self, request: Request, user: User) -> Answer:
        """Remove a user."""
        self.users.remove(request.parameters["name"])
        return Answer({"message": "user is removed successfully"})

    def update_self(self, request: Request, user: User) -> Answer:
        """PUT /users/me. It takes `newPassword` and, as upstream in all versions, leaves the password as it was."""
        patch = isinstance(request.content, dict) and request.content.get("patch") is True
        data = fields.check(request.content, fields.own_update(patch)).get("data", {})
        if data.get("username") != user["username"]:
            raise Refusal(403, "ForbiddenUserError", "Can't update other user's data")
        if "newPassword" in data and "oldPassword" not in data:
            message = 'child "data" fails because [child "oldPassword" fails because ["oldPassword" is required]]'
            raise Refusal(400, "InvalidParametersError", message)
        self._update(user["username"], {key: data[key] for key in ("email", "extension") if key in data})
        return Answer({"message": f"Update user {user['username']} successfully"}, 201)

    def update_user(self, request: Request, user: User) -> Answer:
        """PUT /users, for administrators."""
        patch = isinstance(request.content, dict) and request.content.get("patch") is True
        data = fields.check(request.content, fields.admin_update(patch)).get("data", {})
        self._update(data["username"], {key: data[key] for key in ("email", "extension", "password") if key in data})
        return Answer({"message": f"Update user {data['username']} successfully"}, 201)

    def change_password(self, request: Request, user: User) -> Answer:
        """PUT /users/NAME/password: with the old one, or as an administrator."""
        body = fields.check(request.content, fields.CHANGED_PASSWORD)
        name = request.parameters["name"]
        found = self.users.get(name)
        if found is None:
            raise people.no_user(name)
        known = people.encrypt(name, body.get("oldPassword", "defaultpai")) == found["password"]
        if not (user["admin"] or known):
            raise Refusal(403, "ForbiddenUserError", "Pls input the correct password.")
        self._update(name, {"password": body["newPassword"]})
        return Answer({"message": "update user password successfully."}, 201)

    def list_groups(self, request: Request, user: User) -> Answer:
        """Every group."""
        return Answer(self.groups.all())

    def virtual_clusters(self, request: Request, user: User) -> Answer:
        """Every virtual cluster, or with `nodes` in the query the workers' GPUs."""
        return Answer(self.clusters.nodes() if "nodes" in request.query else self.clusters.all())

    def virtual_cluster(self, request: Request, user: User) -> Answer:
        """One virtual cluster."""
        return Answer(self.clusters.get(request.parameters["name"]))

    def sku_types(self, request: Request, user: User) -> Answer:
        """The SKUs, of all virtual clusters or of `vc`."""
        return Answer(self.clusters.sku_types(request.query.get("vc")))

    def known(self, request: Request) -> User:
        """Who asks, by the token; Refusal 401 for nobody."""
        header = request.headers.get("Authorization")
        if not header:
            raise Refusal(401, "UnauthorizedUserError", "Guest is not allowed to do this operation.")
        scheme, _, credentials = header.partition(" ")
        name = None
        if scheme.lower() == "basic":  # for applications: the user's name, and the token as the password
            name, _, credentials = base64.b64decode(credentials).decode(errors="replace").partition(":")
        payload = self.tokens.verify(credentials) or {"username": "", "application": False}
        fits = name is None or (name == payload["username"] and payload["application"])
        user = self.users.get(payload["username"]) if payload["username"] and fits else None
        if user is None:
            raise Refusal(401, "UnauthorizedUserError", "Your token is invalid.")
        admin, _ = self.groups.rights(user["grouplist"], self.clusters.names)
        return user | {"admin": admin, "application": payload["application"]}

    def _task(self, request: Request) -> dict[str, Any]:
        parts = request.parameters
        return self.jobs.task(parts["job"], int(parts["attempt"]), parts["role"], int(parts["index"]))

    def _own(self, user: User, owner: str, what: str) -> None:
        if user["username"] != owner and not user["admin"]:
            raise Refusal(403, "ForbiddenUserError", f"User {user['username']} is not allowed to {what}.")

    def _update(self, name: str, changes: dict[str, Any]) -> None:
        user = self.users.get(name)
        if user is None:
            raise people.no_user(name)
        if "extension" in changes:
            changes["extension"] = user["extension"] | changes["extension"]
        self.users.update(user | changes, new_password="password" in changes)
        if "password" in changes:
            self.tokens.revoke(name, lambda token: not (jwt.read(token) or {}).get("application"))

    def _shown(self, user: User) -> dict[str, Any]:
        admin, clusters = self.groups.rights(user["grouplist"], self.clusters.names)
        shown = {key: value for key, value in user.items() if key != "password"}
        return shown | {"admin": admin, "virtualCluster": clusters, "storageConfig": []}
