"""A deploy of the GPU driver alone: what these tests are about, without minutes of Docker before it."""

from pyinfra import host

from cluster import Role
from tasks import gpu_driver, packages
from tasks.context import role_of

if role_of(host) is Role.WORKER:
    packages.apt_proxy()
    gpu_driver.install()
