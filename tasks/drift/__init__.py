"""Drift: dry runs by a timer on the dev box, which write down what a deploy would change.

`status()` is also a command: pyinfra inventories/prod.py tasks.drift.status
"""

from tasks.drift.deploy import install, status
