"""SSH trust (guide, dev box, step 1): the dev box logs in to every host by key, and this side does too."""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks.reach import cluster_of, role_of
from tasks.ssh import operations


@deploy("SSH trust")
def establish_trust() -> None:
    """Keys for the dev box and for this side, authorised on every host; sudo without a password for the user.

    After it, neither pyinfra nor kubespray nor the verification needs the password.
    """
    cluster = cluster_of(host)
    user, identity = cluster.config.user, str(cluster.identity)
    if role_of(host) is Role.DEV_BOX:
        operations.operator_key(name="This side has a key pair", path=identity)
        operations.key_pair(name="The dev box has a key pair", user=user)
    operations.authorized(name="The dev box's key and this side's are authorised", user=user, identity=identity)
    if user != "root":
        operations.sudo_without_password(name="The user's sudo asks for no password", user=user)
    if role_of(host) is Role.DEV_BOX:
        operations.known(name="The dev box knows every host's key", user=user, pinned=str(cluster.known_hosts))
