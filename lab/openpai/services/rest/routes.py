"""rest-server's routes: those of upstream's src/rest-server/src/routes that OpenPAI's client and portal need."""

from __future__ import annotations

from collections.abc import Callable

from ..web import Answer, Handler, Refusal, Request, Site
from .api import Api, User

ADMIN_ONLY = "Non-admin is not allow to do this operation."


def site(api: Api) -> Site:
    """The routes of an API."""

    def missing(request: Request) -> Answer:
        raise Refusal(404, "NoApiError", f"API {request.target} is not found.")

    def user(handler: Callable[[Request, User], Answer], admin: bool = False, person: bool = False) -> Handler:
        def checked(request: Request) -> Answer:
            who = api.known(request)
            if (admin or person) and who["application"]:
                raise Refusal(403, "ForbiddenUserError", "Applications are not allowed to do this operation.")
            if admin and not who["admin"]:
                raise Refusal(403, "ForbiddenUserError", ADMIN_ONLY)
            return handler(request, who)

        return checked

    found = Site(missing)
    found.add("*", "/api/v1", api.info)
    found.add("*", "/api/v2", lambda _: Answer("PAI RESTful API v2 (beta version)"))
    found.add("*", "/api/v2/info", api.info)
    for version in ("v1", "v2"):
        base = f"/api/{version}"
        found.add("GET", f"{base}/authn/info", api.authn_info)
        found.add("POST", f"{base}/authn/basic/login", api.login)
        found.add("DELETE", f"{base}/authn/basic/logout", user(api.logout, person=True))
        tokens = f"{base}/token{'s' if version == 'v2' else ''}"
        found.add("POST", f"{tokens}/application", user(api.application_token, person=True))
        found.add("GET", f"{tokens}/check", user(api.check_token))
        found.add("GET", tokens, user(api.list_tokens, person=True))
        found.add("POST", tokens, api.login)
        found.add("DELETE", f"{tokens}/:token", user(api.revoke_token, person=True))
    found.add("GET", "/api/v1/user/:name", user(api.user))
    for users in ("/api/v2/users", "/api/v2/user"):
        found.add("PUT", f"{users}/me", user(api.update_self, person=True))
        found.add("PUT", f"{users}/:name/password", user(api.change_password, person=True))
        found.add("DELETE", f"{users}/:name", user(api.delete_user, admin=True))
        found.add("GET", f"{users}/:name", user(api.user))
        found.add("GET", users, user(api.list_users))
        found.add("POST", users, user(api.create_user, admin=True))
        found.add("PUT", users, user(api.update_user, admin=True))
    found.add("GET", "/api/v2/groups", user(api.list_groups))
    found.add("GET", "/api/v2/virtual-clusters", user(api.virtual_clusters))
    found.add("GET", "/api/v2/virtual-clusters/:name", user(api.virtual_cluster))
    found.add("GET", "/api/v2/cluster/sku-types", user(api.sku_types))
    found.add("GET", "/api/v2/storages", user(lambda _, __: Answer({"storages": []})))
    jobs = "/api/v2/jobs"
    found.add("GET", jobs, user(api.list_jobs))
    found.add("POST", jobs, user(api.submit))
    found.add("GET", f"{jobs}/:job", user(api.job))
    found.add("GET", f"{jobs}/:job/config", user(api.config))
    found.add("PUT", f"{jobs}/:job/executionType", user(api.execute))
    found.add("PUT", f"{jobs}/:job/tag", user(api.tag))
    found.add("DELETE", f"{jobs}/:job/tag", user(api.tag))
    found.add("GET", f"{jobs}/:job/events", user(lambda _, __: Answer({"totalCount": 0, "data": []})))
    found.add("GET", f"{jobs}/:job/attempts/:attempt", user(api.job))
    task = f"{jobs}/:job/attempts/:attempt/taskRoles/:role/taskIndex/:index/attempts"
    found.add("GET", task, user(api.task))
    found.add("GET", f"{task}/:retry/logs", user(api.task_logs))
    return found
