"""Which role gets which task, in order: from bare machines to a working OpenPAI cluster."""

from pyinfra import host

from cluster import Role
from tasks import container_runtime, docker, gpu_driver, kubernetes, packages, preflight, ssh_trust, time_sync
from tasks.context import config_of, role_of

config, role = config_of(host), role_of(host)

preflight.gate()

ssh_trust.establish()
packages.apt_proxy()

if role is Role.MASTER or config.ntp_hosts == "all":
    time_sync.synchronise()

if role is not Role.MASTER or config.installer != "none":
    docker.install()

if role is Role.WORKER:
    gpu_driver.install()
    container_runtime.install()

kubernetes.install()
