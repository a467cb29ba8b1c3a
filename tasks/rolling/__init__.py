"""Changes of nodes at work: Docker, the GPU driver and the container toolkit, rolled through the cluster.

pyinfra inventories/prod.py tasks.rolling.change
"""

from tasks.rolling.deploy import change
