"""The cluster's secrets, resolved as late as they are needed and never shown."""

import base64
import getpass
import os
import re
import secrets
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr

from cluster.config import Config
from cluster.files import CONFIG, parse_yaml, read_text, write_atomically
from cluster.model import Cluster
from cluster.problems import ClusterError, Place, Problem

ENVIRONMENT = "OPENPAI_PASSWORD"
FILE = "secrets.yaml"
# What OpenPAI comes with, and everybody can read in its source.
PUBLISHED_ADMIN_PASSWORD = "admin-password"
# The admin's password while it is being replaced: which of the two counts is the cluster's to say.
_BEFORE = "admin_password_before"
# What OpenPAI's templates bear: they put values into YAML without quotes, and into URLs as they are.
_BORNE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_HEADER = """\
# Made once, for OpenPAI's services; each deploy uses the same. Keep it, and keep it private (mode 0600).
# A cluster that runs already has its own values: write them here before the next deploy.
"""
_asked: dict[Path, SecretStr] = {}


def password(cluster: Cluster) -> SecretStr | None:
    """The SSH user's password: from OPENPAI_PASSWORD, else config.yaml, else asked for once where the config says so.

    None where login works without one. Raises ClusterError when it is to be asked for and there is no terminal.
    """
    if os.environ.get(ENVIRONMENT):
        return SecretStr(os.environ[ENVIRONMENT])
    if cluster.config.password or not cluster.config.ask_password:
        return cluster.config.password
    if cluster.folder not in _asked:
        if not sys.stdin.isatty():
            found = "ask_password is set, and there is no terminal to ask on"
            fix = f"set {ENVIRONMENT}, or write the password into {CONFIG}"
            raise ClusterError(Problem(found, fix, Place(CONFIG), cause="password-terminal"))
        _asked[cluster.folder] = SecretStr(getpass.getpass(f"Password of {cluster.config.user} on the hosts: "))
    return _asked[cluster.folder]


@dataclass(frozen=True)
class RegistryLogin:
    """A login at a registry as Docker's client keeps it: the registry's name there, and base64 of user:password."""

    server: str
    auth: SecretStr


def registry_login(config: Config) -> RegistryLogin | None:
    """The config's login at docker_registry_domain; None where it has none."""
    user, password = config.docker_registry_username, config.docker_registry_password
    if not (user and password):
        return None
    registry = config.docker_registry_domain.partition("/")[0]
    auth = base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()
    return RegistryLogin("https://index.docker.io/v1/" if registry == "docker.io" else registry, SecretStr(auth))


@dataclass(frozen=True)
class ServiceSecrets:
    """What OpenPAI's services are set up with, instead of the values that everyone can read in its source."""

    admin_password: SecretStr
    jwt_secret: SecretStr
    postgresql_password: SecretStr
    log_manager_password: SecretStr
    log_manager_jwt_secret: SecretStr
    marketplace_db_password: SecretStr
    storage_manager_password: SecretStr


def known_admin_passwords(cluster: Cluster) -> list[SecretStr]:
    """What may log in OpenPAI's first user: secrets.yaml's password, the one that it is replacing, the config's."""
    values = _read(cluster.folder / FILE)
    found = [SecretStr(values[name]) for name in ("admin_password", _BEFORE) if name in values]
    return [*found, *([cluster.config.openpai_admin_password] if cluster.config.openpai_admin_password else [])]


def known(cluster: Cluster) -> list[SecretStr]:
    """Every secret of the cluster that is at hand, for what must not show any; nobody is asked for one."""
    found = [value for _, value in cluster.config if isinstance(value, SecretStr)]
    found += [SecretStr(os.environ[ENVIRONMENT])] if os.environ.get(ENVIRONMENT) else []
    found += [_asked[cluster.folder]] if cluster.folder in _asked else []
    login = registry_login(cluster.config)
    found += [login.auth] if login else []
    try:
        found += [SecretStr(value) for value in _read(cluster.folder / FILE).values()]
    except ClusterError:
        return found  # whoever needs them says so
    return found


def new_password() -> SecretStr:
    """A random password; it begins with a letter, as OpenPAI's templates put some into YAML without quotes."""
    return SecretStr("s" + secrets.token_hex(16))


def record_admin_password(cluster: Cluster, password: SecretStr, before: SecretStr | None = None) -> None:
    """Write the admin's password into secrets.yaml; `before`, which it is to replace, stays beside it till then."""
    values = _read(cluster.folder / FILE)
    values["admin_password"] = password.get_secret_value()
    values.pop(_BEFORE, None)
    if before:
        values[_BEFORE] = before.get_secret_value()
    _write(cluster.folder / FILE, values)


def services(cluster: Cluster) -> ServiceSecrets:
    """The secrets of OpenPAI's services: from the config, else from secrets.yaml of the folder, where missing ones are
    added once. Raises ClusterError when that file is unreadable, open to others or cannot be written."""
    path = cluster.folder / FILE
    given = {"admin_password": cluster.config.openpai_admin_password}
    values = _read(path)
    wanted = [name for name in ServiceSecrets.__dataclass_fields__ if not given.get(name)]
    found, fix = "OpenPAI's templates break other signs than letters, digits, - and _, a letter first", "correct it"
    broken = [name for name in wanted if name in values and not _BORNE.fullmatch(values[name])]
    if broken:
        raise ClusterError(*(Problem(f"{name}: {found}", fix, Place(FILE), cause="secrets-file") for name in broken))
    if any(name not in values for name in wanted):
        values |= {name: new_password().get_secret_value() for name in wanted if name not in values}
        _write(path, values)
    return ServiceSecrets(
        **{name: given.get(name) or SecretStr(values[name]) for name in ServiceSecrets.__dataclass_fields__}
    )


def _write(path: Path, values: dict[str, str]) -> None:
    try:
        write_atomically(path, _HEADER + yaml.dump(values, Dumper=yaml.CSafeDumper, sort_keys=False))
    except OSError as error:
        found = f"cannot be written: {error.strerror}"
        raise ClusterError(Problem(found, "make the folder yours", Place(FILE), cause="secrets-file")) from None


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    problems: list[Problem] = []
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        problems.append(Problem("others can read it", f"run: chmod 600 {path}", Place(FILE), cause="file-mode"))
    text = read_text(path, problems, missing="")
    document = parse_yaml(text or "", FILE, problems)
    data = document.data or {}
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        problems.append(
            Problem("not a map of names to text", "put every value in quotes", Place(FILE, 1), cause="secrets-file")
        )
    if problems:
        raise ClusterError(*problems)
    return data
