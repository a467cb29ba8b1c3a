"""webportal's stand-in: a page that logs in and lists jobs, by the same REST calls as the real portal's."""

from __future__ import annotations

import os

from . import fault
from .web import Answer, Refusal, Request, Server, Site

PORT = 8080
PAGES = ("/", "/index.html", "/home.html", "/login.html", "/job-list.html")
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Platform for AI</title></head>
<body>
<h1>Platform for AI</h1>
<form id="login"><input name="username" autocomplete="username"> <input name="password" type="password">
<button>Sign in</button></form>
<pre id="jobs"></pre>
<script>
const server = "@REST@";
document.getElementById("login").onsubmit = async (event) => {
  event.preventDefault();
  const answer = await fetch(server + "/api/v1/authn/basic/login",
    {method: "POST", body: new URLSearchParams(new FormData(event.target))});
  const told = await answer.json();
  const jobs = told.token && await (await fetch(server + "/api/v2/jobs",
    {headers: {Authorization: "Bearer " + told.token}})).json();
  document.getElementById("jobs").textContent = jobs
    ? jobs.map((job) => job.username + "~" + job.name + "  " + job.state).join("\\n") || "no jobs" : told.message;
};
</script>
</body>
</html>
"""


def site(rest: str) -> Site:
    """The portal of the rest-server at a URL."""
    page = PAGE.replace("@REST@", rest).encode()

    def missing(request: Request) -> Answer:
        raise Refusal(404, None, f"Cannot GET {request.path}")

    found = Site(missing)
    for path in PAGES:
        found.add("GET", path, lambda _: Answer(page, kind="text/html; charset=utf-8"))
    return found


def main() -> None:
    """Serve on the port that the pod opens to its node."""
    fault.begin()
    Server(site(os.environ["REST_SERVER_URI"]), PORT).serve_forever()


if __name__ == "__main__":
    main()
