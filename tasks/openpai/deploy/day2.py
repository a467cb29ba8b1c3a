"""OpenPAI after the first day. Run one alone: pyinfra INVENTORY tasks.openpai.NAME"""

from pyinfra import host
from pyinfra.api import deploy

from cluster import Role
from tasks.openpai.deploy.stage import prepare, the_paictl
from tasks.openpai.operations import configuration, credentials, services, told
from tasks.openpai.operations import first_job as jobs
from tasks.reach import config_of, refused, role_of


def _here() -> bool:
    """Whether this host is where OpenPAI is seen to: the dev box, of a config that has it."""
    if role_of(host) is not Role.DEV_BOX:
        return False
    if not config_of(host).openpai:
        refused(
            name="OpenPAI is left out",
            message="config.yaml says openpai: false; set it to true to have OpenPAI",
            cause="openpai-off",
        )
        return False
    return True


def _named() -> list[str] | None:
    """`--data services=NAME,NAME`; None for all that the config chooses."""
    given = str(host.data.get("services", "") or "")
    return [name.strip() for name in given.split(",") if name.strip()] or None


@deploy("OpenPAI, the first job")
def first_job() -> None:
    """Log in, run nvidia-smi on one GPU of each kind of machine, show its log; a wrong password must be refused."""
    if _here():
        jobs.succeeds(name="The first job", paictl=the_paictl())


@deploy("OpenPAI, status")
def status() -> None:
    """What each service lacks, or that it runs."""
    if _here():
        told.state_of_services(name="The services", paictl=the_paictl())


@deploy("OpenPAI, start")
def start() -> None:
    """Start the services that the config chooses, or --data services=NAME,NAME, with the cluster's configuration."""
    if _here():
        paictl = the_paictl()
        prepare(paictl)
        services.running(name="OpenPAI's services run", paictl=paictl, only=_named())


@deploy("OpenPAI, stop")
def stop() -> None:
    """Stop the services, the last one first, or --data services=NAME,NAME; their data stay."""
    if _here():
        paictl = the_paictl()
        prepare(paictl)
        services.stopped(name="OpenPAI's services are stopped", paictl=paictl, only=_named())


@deploy("OpenPAI, upgrade")
def upgrade() -> None:
    """Replace a running OpenPAI by the config's version: stop what is of another, push, start; data and order are kept.

    The old tag in the config and this command again go back.
    """
    if _here():
        paictl = the_paictl()
        prepare(paictl)
        services.of_another_version_stopped(name="Services of another version are stopped", paictl=paictl)
        configuration.written(name="OpenPAI's configuration, from measured hardware", paictl=paictl, _sudo=False)
        configuration.pushed(name="The cluster has the configuration", paictl=paictl)
        services.running(name="OpenPAI's services run", paictl=paictl)
        told.how_to_get_in(name="How to get in", paictl=paictl)


@deploy("OpenPAI, the end of it")
def uninstall() -> None:
    """Take OpenPAI off the cluster: --data confirm=NAME, the folder's; with --data delete_data=yes its data too."""
    if _here():
        paictl = the_paictl()
        prepare(paictl)
        services.removed(
            name="OpenPAI is gone from the cluster",
            paictl=paictl,
            confirmed=host.data.get("confirm"),
            delete=str(host.data.get("delete_data", "no")).lower() in ("yes", "true"),
        )


@deploy("OpenPAI, the admin's password")
def change_admin_password() -> None:
    """Give `admin` the config's openpai_admin_password, or a new random one, which secrets.yaml then holds."""
    if _here():
        credentials.admin_password_changed(name="The admin's password", paictl=the_paictl())
