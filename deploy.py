"""Which role gets which task, in order: from bare machines to a working OpenPAI cluster."""

from pyinfra import host

from cluster import Role
from tasks import apt, docker, drift, gpu, kubernetes, openpai, preflight, ssh, time
from tasks.reach import config_of, role_of

config, role = config_of(host), role_of(host)

preflight.gate()

ssh.establish_trust()
apt.go_through_proxy()

if role is Role.MASTER or config.ntp_hosts == "all":
    time.synchronise(wait=False)

if role is not Role.MASTER or config.installer != "none":
    docker.install()

time.settle()
kubernetes.begin()

if role is Role.WORKER:
    gpu.install_driver()
    gpu.install_runtime()

kubernetes.install()
openpai.install()
drift.install()
