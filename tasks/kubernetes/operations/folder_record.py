"""The cluster folder's record of what was hosts_recorded, on this machine; pyinfra acts on hosts only."""

from typing import Any

from pyinfra.api import FunctionCommand, operation

from cluster import Cluster
from cluster.files import read_deployed, record_deployed
from tasks.reach import Commands


@operation()
def hosts_recorded(cluster: Cluster) -> Commands:
    """Have every master and worker of `cluster` in the record: one that leaves the CSV files is not forgotten then."""
    recorded = {(one.name, one.address, one.role) for one in read_deployed(cluster.folder, [])}
    hosts = (*cluster.masters, *cluster.workers)
    if not {(one.name, one.address, one.role.value) for one in hosts} <= recorded:
        yield FunctionCommand(_write, (cluster,), {})


def _write(state: Any, host: Any, cluster: Cluster) -> bool:
    record_deployed(cluster)
    return True
