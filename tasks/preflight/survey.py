"""Looking at every host of a run at once, each by one command."""

from __future__ import annotations

import time
from io import BytesIO

from pyinfra.api import Host as PyinfraHost
from pyinfra.api import State, StringCommand
from pyinfra.context import ctx_host

from cluster import Cluster, Host, Problem, secrets
from cluster.loader import inspect
from tasks.apt import proxy_settings
from tasks.preflight import images, targets
from tasks.preflight.facts import HostSnapshot, program
from tasks.preflight.model import Clock, Survey
from tasks.preflight.snapshot import BUNDLED, Snapshot
from tasks.reach import cluster_host, cluster_of, disruption_allowed

# Seconds beyond the probes' own limit (files/preflight/snapshot.sh) after which a host is given up.
GRACE = 100
_NO_CONNECTION = Problem("no connection", "see the messages above", needed="an SSH connection", cause="reachable")


def take(state: State) -> Survey:
    """Look at every host of the run at once, in a pool of its own: pyinfra's may be full of hosts that wait."""
    hosts = [host for host in state.inventory if state.is_host_in_limit(host)]
    present = [host for host in hosts if host in state.active_hosts]
    looks = {cluster_host(host).name: state.fact_pool.spawn(_look, host) for host in present}
    seen = {name: found for name, look in looks.items() if (found := look.get())}
    cluster = cluster_of(hosts[0])
    plan = inspect(cluster.folder).layout
    return Survey(
        cluster=cluster,
        snapshots={name: snapshot for name, (snapshot, _) in seen.items()},
        silent=tuple(name for name in looks if name not in seen),
        absent={
            cluster_host(host).name: host.connector_data.get("refusal", _NO_CONNECTION)
            for host in hosts
            if host not in present
        },
        clocks={name: clock for name, (_, clock) in seen.items()},
        layout=plan.layout if plan else None,
        disruption=disruption_allowed(hosts[0]),
    )


def questions(cluster: Cluster, host: Host) -> BytesIO:
    """What `host` is asked, as HostSnapshot's standard input."""
    config = cluster.config
    return program(
        targets.peers(cluster, host),
        targets.targets(cluster, host) + images.targets(cluster, host),
        targets.folders(config),
        config.package_lock_wait,
        secrets.password(cluster),
        secrets.registry_login(config),
        proxy_settings(config),
        config.user,
    )


def _look(pyinfra_host: PyinfraHost) -> tuple[Snapshot, Clock] | None:
    """The host's snapshot, and its clock against this machine's; None where it gives no answer that can be read."""
    cluster = cluster_of(pyinfra_host)
    given = questions(cluster, cluster_host(pyinfra_host))
    patience = GRACE + cluster.config.package_lock_wait
    asked = time.time() * 1000
    with ctx_host.use(pyinfra_host):
        snapshot = pyinfra_host.get_fact(
            HostSnapshot, _sudo=False, _stdin=given, _timeout=patience, _ignore_errors=True
        )
    had = time.time() * 1000
    if snapshot is None:
        return None
    heard = getattr(pyinfra_host.connector, "heard", None)
    if heard:
        heard([(StringCommand(BUNDLED[name]().command()), lines) for name, lines in snapshot.said.items()])
    # As NTP reckons it: half the sum of both ways' differences.
    there, back = snapshot.started - asked, snapshot.ended - had
    return snapshot, Clock((there + back) / 2, (there - back) / 2)
