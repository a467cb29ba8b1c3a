"""Preflight: every unmet requirement, on every host, before anything changes.

    pyinfra inventories/prod.py tasks.preflight.check
    pyinfra inventories/prod.py tasks.preflight.check --data report=preflight.json --data skip_requirements=ID,HOST:ID

`gate()` is the same at the head of deploy.py.
"""

from tasks.preflight.deploy import check, gate
from tasks.preflight.images import pulled
from tasks.preflight.requirements.software import has_age
