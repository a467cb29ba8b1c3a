"""The clock: a time daemon that runs, follows a configured server, and is near it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from cluster import Cluster, Host
from tests.hosts import clocks, report
from tests.hosts.clocks import Clock
from tests.hosts.probes import Answer, Probe
from tests.hosts.report import expect
from tests.hosts.targets import Target, applies_to, ntp_hosts

pytestmark = applies_to(ntp_hosts)

Answers = dict[str, Answer]

# Seconds. etcd complains of clocks 1 s apart, and two hosts may be off in opposite directions.
MAX_OFFSET = 0.5


def probes(cluster: Cluster, host: Host) -> Iterator[Probe]:
    """Questions of this module."""
    # One by one: is-enabled says nothing of any unit when it does not know one of them.
    yield Probe(
        "at boot", "for unit in chrony ntpsec ntp systemd-timesyncd; do echo $unit $(systemctl is-enabled $unit); done"
    )
    yield Probe("running", "systemctl is-active chrony ntpsec ntp systemd-timesyncd")
    yield Probe("chronyc", "chronyc -n -c tracking")
    yield Probe("timesyncd", "timedatectl timesync-status")
    yield Probe("ntpq", "ntpq -n -c rv -c peers")
    # The server's name as the daemon was given it: a name with many addresses resolves to others the next time.
    by_name = "timedatectl show-timesync -p ServerName --value"
    by_name = f"chronyc -N -c tracking | cut -d, -f2; ntpq -p -w | sed -n 's/^[*]//p'; {by_name}; true"
    yield Probe("followed by name", by_name)
    for server in cluster.config.ntp_servers:
        yield Probe(f"address of {server}", f"getent ahosts {shlex.quote(server)}")


@pytest.fixture
def clock(target: Target, answers: Answers) -> Clock:
    """What the running time daemon says; without one the test fails here."""
    found = clocks.reading(answers)
    remedy = f"run the deploy: {target.deploy}"
    needed = f"one of {', '.join(clocks.UNITS)}"
    if found is None:
        report.fail(target, f"found no time daemon running; needed {needed}; {remedy}")
    return found


@pytest.fixture
def synchronised(target: Target, clock: Clock) -> Clock:
    """The clock, following a server; otherwise the test fails here."""
    servers = ", ".join(target.config.ntp_servers) or "the distribution's servers"
    expect(
        bool(clock.server),
        target,
        found=f"{clock.unit} running, but not synchronised",
        needed=f"a clock that follows {servers}",
        remedy="a fresh daemon takes a minute; else check that UDP port 123 of the server is reached",
    )
    return clock


def test_daemon_starts_at_boot(target: Target, answers: Answers, clock: Clock) -> None:
    expect(
        f"{clock.unit} enabled" in answers["at boot"].out.splitlines(),
        target,
        found=f"{clock.unit} not enabled",
        needed="it to start at boot",
        remedy=f"run `systemctl enable {clock.unit}` there",
    )


def test_clock_follows_a_configured_server(target: Target, answers: Answers, synchronised: Clock) -> None:
    wanted = target.config.ntp_servers
    names = {line.split()[0] for line in answers["followed by name"].out.splitlines() if line}
    resolved = {
        line.split()[0] for server in wanted for line in answers[f"address of {server}"].out.splitlines() if line
    }
    follows = not wanted or synchronised.server in {*wanted, *resolved} or bool(names & set(wanted))
    expect(
        follows,
        target,
        found=f"a clock that follows {synchronised.server}",
        needed=f"one of {', '.join(wanted)}",
        remedy=f"run the deploy: {target.deploy}",
    )


def test_clock_is_near_its_server(target: Target, synchronised: Clock) -> None:
    offset = synchronised.offset
    expect(
        offset is not None and offset <= MAX_OFFSET,
        target,
        found="a clock of unknown offset" if offset is None else f"a clock {offset:.3f} s off",
        needed=f"at most {MAX_OFFSET} s",
        remedy="restart the time daemon, which steps the clock",
    )
