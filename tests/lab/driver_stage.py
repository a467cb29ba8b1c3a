"""A deploy of the GPU driver alone: what these tests are about, without minutes of Docker before it."""

from pyinfra import host

from cluster import Role
from tasks import apt, gpu
from tasks.reach.context import role_of

if role_of(host) is Role.WORKER:
    apt.go_through_proxy()
    gpu.install_driver()
