"""OpenPAI: from Ready nodes to a login and a finished GPU job; and what comes after the first day.

Every public name but `install` is a command: pyinfra inventories/prod.py tasks.openpai.NAME
"""

from tasks.openpai.deploy.day2 import change_admin_password, first_job, start, status, stop, uninstall, upgrade
from tasks.openpai.deploy.stage import install
