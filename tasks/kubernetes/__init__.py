"""Kubernetes: from hosts with Docker to nodes that are Ready and advertise their GPUs; then day 2.

Every public name but `begin`, `install`, `program` and `roll` is also a command:
pyinfra inventories/prod.py tasks.kubernetes.NAME
"""

from tasks.kubernetes.deploy.backups import restore_master, snapshot
from tasks.kubernetes.deploy.day2 import remove_departed, reset, restore
from tasks.kubernetes.deploy.node import program
from tasks.kubernetes.deploy.rolling import roll
from tasks.kubernetes.deploy.stage import begin, bring_up, equip, install, join, name_host, renew_certificates, settle
from tasks.kubernetes.deploy.upgrade import upgrade
