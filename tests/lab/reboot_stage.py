"""A reboot of each worker that has the file WANTED, which is gone after it, and what the master looks at afterwards."""

from pyinfra import host
from pyinfra.facts.files import File

from cluster import Role
from tasks import kubernetes
from tasks.kubernetes.operations import service
from tasks.reach import barrier, role_of
from tasks.systemd import reboot_for

WANTED = "/run/lab-reboot"
# A test that waits in vain says how long; a busy machine takes a while over the others' pods.
service.DRAIN = int(host.data.get("drain", service.DRAIN))


def wanted() -> str | None:
    """The cause of the reboot."""
    return "the test wants it" if host.get_fact(File, path=WANTED) else None


if role_of(host) is Role.WORKER:
    reboot_for(name="Reboot", cause=wanted, out_of_service=kubernetes.out_of_service)
barrier(name="Reboots come first")
if role_of(host) is Role.MASTER:
    service.back_in_service(name="No node is left out of service")
