"""SSH trust (guide, dev box, step 1): the dev box logs in to every host by key, and this side does too."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks.context import cluster_of, role_of
from tasks.operations import ssh


@deploy("SSH trust")
def establish() -> None:
    """Keys for the dev box and for this side, authorised on every host; sudo without a password for the user.

    After it, neither pyinfra nor kubespray nor the verification needs the password.
    """
    cluster = cluster_of(host)
    user, identity = cluster.config.user, str(cluster.identity)
    if role_of(host) is Role.DEV_BOX:
        ssh.operator_key(name="This side has a key pair", path=identity)
        ssh.key_pair(name="The dev box has a key pair", user=user)
    ssh.authorized(name="The dev box's key and this side's are authorised", user=user, identity=identity)
    if user != "root":
        ssh.sudo_without_password(name="The user's sudo asks for no password", user=user)
    if role_of(host) is Role.DEV_BOX:
        ssh.known(name="The dev box knows every host's key", user=user, pinned=str(cluster.known_hosts))
