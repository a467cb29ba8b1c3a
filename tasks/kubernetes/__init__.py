"""Kubernetes: from hosts with Docker to nodes that are Ready and advertise their GPUs; then day 2.

Every public name is also a command, but for `install`, `kubectl` and `program`:
pyinfra inventories/prod.py tasks.kubernetes.NAME
"""

from tasks.kubernetes.deploy.day2 import remove_departed, reset, restore, snapshot
from tasks.kubernetes.deploy.node import program
from tasks.kubernetes.deploy.stage import bring_up, equip, install, join, renew_certificates
from tasks.kubernetes.kubectl import kubectl

__all__ = [
    "bring_up",
    "equip",
    "install",
    "join",
    "kubectl",
    "program",
    "remove_departed",
    "renew_certificates",
    "reset",
    "restore",
    "snapshot",
]
