"""Root's and the kubelet's login at the config's registry. pyinfra's docker operations know none."""

import io
import json
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, QuoteString, StringCommand, operation

from cluster import secrets
from cluster.secrets import RegistryLogin
from tasks.docker import daemon_json
from tasks.docker.facts import Logins
from tasks.reach import Commands, complain, config_of


@operation()
def logged_in(path: str, like: str | None = None) -> Commands:
    """Have the config's login at docker_registry_domain in `path`, a configuration of Docker's client, 0600 and root's.

    Every other entry stays; a file that is not there yet begins as a copy of `like`. `docker login` would need the
    registry, and a daemon.
    """
    login = secrets.registry_login(config_of(host))
    if login is None:
        return
    paths = [path, *([like] if like else [])]
    entry = f'"{login.server}":{{"auth":"{login.auth.get_secret_value()}"}}'
    # A stream, because pyinfra logs plain arguments.
    found = host.get_fact(Logins, paths=paths, _stdin=io.BytesIO(entry.encode()))
    if found[:1] == ["ours 600 root"]:
        return
    source = next((one for one, state in zip(paths, found, strict=False) if state != "absent"), None)
    file, folder = QuoteString(path), QuoteString(path.rpartition("/")[0])
    yield StringCommand("mkdir -p -m 700", folder)
    # Before the login is in it: a file that is replaced hands down its mode.
    yield StringCommand("if [ -e", file, "]; then chown root:", file, "&& chmod 600", file, "; fi")
    yield FunctionCommand(_log_in, (login, path, source), {})


def _log_in(state: Any, host: Host, login: RegistryLogin, path: str, source: str | None) -> bool:
    """Write `source` with the login in it as `path`; what others' logins are passes through memory alone."""
    content = io.BytesIO()
    if source and not host.get_file(source, content, _sudo=True):
        return False
    try:
        client = daemon_json.parse(content.getvalue().decode())
        client["auths"] = {**client.get("auths", {}), login.server: {"auth": login.auth.get_secret_value()}}
    except (ValueError, TypeError) as error:
        said = f"{source} is not valid: {error}; mend it or move it away (it was left untouched)"
        return complain(state, host, said, cause="docker-login")
    return bool(host.put_file(io.StringIO(json.dumps(client, indent=4) + "\n"), path, _sudo=True))
