"""The password of OpenPAI's first user on a cluster that runs: the configuration's counts before its first start."""

from typing import Any

from pydantic import SecretStr
from pyinfra.api import FunctionCommand, Host, operation

from cluster import secrets
from tasks.openpai.operations.first_job import USER, rest_of
from tasks.openpai.operations.paictl import Paictl, failed
from tasks.openpai.rest import Rest, RestError
from tasks.reach import Commands


@operation(is_idempotent=False)
def admin_password_changed(paictl: Paictl) -> Commands:
    """Have `admin` log in with the config's password, or with a new one of secrets.yaml where the config has none.

    What logs in today is found out: the folder's own password, or the published one that OpenPAI comes with.
    """
    yield FunctionCommand(_change, (paictl,), {})


def _change(state: Any, host: Host, paictl: Paictl) -> bool:
    cluster = paictl.cluster
    known = [*secrets.known_admin_passwords(cluster), SecretStr(secrets.PUBLISHED_ADMIN_PASSWORD)]
    new = cluster.config.openpai_admin_password or secrets.new_password()
    try:
        rest = rest_of(host, paictl)
        old = _that_logs_in(rest, known)
        if old is None:
            return failed(
                host,
                "neither the password of secrets.yaml nor the published one logs in; write the present one into "
                "secrets.yaml as admin_password, then run again",
                cause="admin-password",
            )
        # Before the cluster has it: a run that is killed between the two must not leave a password that nobody knows.
        secrets.record_admin_password(cluster, new, before=old)
        rest.change_password(USER, old, new)
        secrets.record_admin_password(cluster, new)
        rest_of(host, paictl).login(USER, new)
    except RestError as error:
        return failed(host, f"the password was not changed: {error}", cause="admin-password")
    host.log(f"{USER} has a new password; it is in {cluster.folder}")
    return True


def _that_logs_in(rest: Rest, passwords: list[SecretStr]) -> SecretStr | None:
    for password in passwords:
        try:
            rest.login(USER, password)
        except RestError as error:
            if error.code != "IncorrectPasswordError":
                raise
        else:
            return password
    return None
