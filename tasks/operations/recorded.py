"""The cluster folder's record of what was deployed, on this machine; pyinfra acts on hosts only."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pyinfra.api import FunctionCommand, operation

from cluster import Cluster, record


@operation()
def deployed(cluster: Cluster) -> Generator[Any]:
    """Have every host of `cluster` in the record, so that one that leaves the CSV files later is not forgotten."""
    recorded = {(one.name, one.address, one.role) for one in record.read(cluster.folder, [])}
    if not {(one.name, one.address, one.role.value) for one in cluster.hosts} <= recorded:
        yield FunctionCommand(_write, (cluster,), {})


def _write(state: Any, host: Any, cluster: Cluster) -> bool:
    record.write(cluster)
    return True
