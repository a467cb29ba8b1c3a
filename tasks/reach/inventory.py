"""The inventory generator: a cluster folder's CSVs and config as pyinfra groups."""

import os
import sys
from pathlib import Path
from typing import Any

from pyinfra import config, state
from pyinfra.context import ctx_config, ctx_state

from cluster import Cluster, ClusterError, Host, load, secrets
from cluster.problems import identified
from tasks import progress
from tasks.reach import one_run

Group = list[tuple[str, dict[str, Any]]]


def groups(inventory_file: str | Path, made_by: str | None = None) -> tuple[Group, Group, Group]:
    """The groups dev_box, master and worker of the folder named like `inventory_file`.

    Ends the program with one clear sentence, or one line a problem, when the folder is missing or wrong; `made_by` is
    the command that makes it, where that is not `cluster init`.
    """
    _settings()
    folder = Path(inventory_file).resolve().with_suffix("")
    shown = os.path.relpath(folder)
    if not folder.is_dir():
        init = f"python -m cluster init {shown} --master master.csv --worker worker.csv --config config.yaml"
        sys.exit(identified(f"{shown} does not exist; make it with: {made_by or init}", cause="folder-missing"))
    try:
        cluster = load(folder)
        secrets.password(cluster)  # asked for here, once, where the config says so: before any host is touched
    except ClusterError as error:
        sys.exit("\n".join(str(problem.within(shown)) for problem in error.problems))
    progress.watch(cluster)
    one_run.hold(folder)
    return (
        [_entry(cluster, cluster.dev_box)],
        [_entry(cluster, host) for host in cluster.masters],
        [_entry(cluster, host) for host in cluster.workers],
    )


def _settings() -> None:
    """What pyinfra must know whichever directory it is started in; it reads config.py of that one alone."""
    # Everything on a host is done as root; the connectors hand the password to sudo by standard input.
    if ctx_config.isset():
        config.SUDO = True
    # A host that fails has its line; without -y pyinfra would stop there and ask, although the others can go on.
    if ctx_state.isset() and state.should_raise_failed_hosts:
        state.should_raise_failed_hosts = lambda _: False


def _entry(cluster: Cluster, host: Host) -> tuple[str, dict[str, Any]]:
    connector = "cluster-local" if host.is_local else "cluster"
    return f"@{connector}/{host.name}", {
        "address": host.address,
        "role": host.role.value,
        "cluster_folder": str(cluster.folder),
    }
