"""Requirements between hosts: no two alike where they must differ, and all clocks together."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median

from cluster import Host, Problem, Role
from cluster.names import short
from tasks.preflight.model import CONTROLLED, EVERY, Survey, across_hosts, shortfall
from tasks.preflight.snapshot import Snapshot

Hosts = list[tuple[Host, Snapshot]]
Found = Iterable[tuple[Host, Problem]]


def _shared(hosts: Hosts, value: Callable[[Host, Snapshot], str | None], fix: str) -> Found:
    """Every host whose value another one has too."""
    having: dict[str, list[Host]] = defaultdict(list)
    for host, seen in hosts:
        found = value(host, seen)
        if found:
            having[found].append(host)
    for found, owners in having.items():
        for host in owners[1:]:
            # The same words for all of them: one row in the table.
            yield host, shortfall(f"{found} on {short(owner.name for owner in owners)}", "a value of its own", fix)


@across_hosts("hostname-unique", EVERY)
def hostname_unique(survey: Survey, hosts: Hosts) -> Found:
    """No two hosts have the same hostname."""
    # A master or worker with a name that is not the CSV's has its row already.
    own = [(host, seen) for host, seen in hosts if host.role is Role.DEV_BOX or seen.hostname == host.name]
    return _shared(own, lambda _, seen: seen.hostname, "on the host: `hostnamectl set-hostname NAME`")


@across_hosts("machine-id-unique", EVERY)
def machine_id_unique(survey: Survey, hosts: Hosts) -> Found:
    """No two hosts have the same machine-id; cloned machines do, and DHCP, systemd and Kubernetes confuse them."""
    fix = "on the host: `rm /etc/machine-id; systemd-machine-id-setup`, then reboot"
    return _shared(hosts, lambda _, seen: seen.machine_id, fix)


@across_hosts("mac-unique", CONTROLLED)
def mac_unique(survey: Survey, hosts: Hosts) -> Found:
    """No two hosts have the same MAC on the interface of their address."""
    fix = "give the virtual machine a MAC of its own"
    return _shared(hosts, lambda host, seen: seen.mac_of(host.address), fix)


@across_hosts("address-unique", EVERY)
def address_unique(survey: Survey, hosts: Hosts) -> Found:
    """No host carries another one's address."""
    owners = {host.address: host for host in survey.cluster.hosts if not host.is_local}
    for host, seen in hosts:
        for each in seen.addresses:
            owner = owners.get(each.address)
            if owner and owner != host and Role.DEV_BOX not in (host.role, owner.role):
                found = f"{each.address} on {each.interface}, the address of {owner.name}"
                yield host, shortfall(found, "addresses of its own", f"remove it from {each.interface}")


@across_hosts("clock-offset", EVERY)
def clock_offset(survey: Survey, hosts: Hosts) -> Found:
    """Clocks agree within clock_max_offset_ms, beyond what the measurement leaves open; the deploy's NTP sees to it."""
    clocks = {host: survey.clocks[host.name] for host, _ in hosts if host.name in survey.clocks}
    # This machine's own clock, offset 0, counts as one of them.
    middle = median([0.0, *(clock.offset for clock in clocks.values())])
    # The middle is as unsure as the measurements that it is made of.
    unsure = median([0.0, *(clock.error for clock in clocks.values())])
    limit = survey.config.clock_max_offset_ms
    for host, seen in hosts:
        clock = clocks.get(host)
        if clock is None or abs(clock.offset - middle) - clock.error - unsure <= limit:
            continue
        kept = survey.config.ntp_hosts == "all" or host.role is Role.MASTER
        by_deploy = kept and not seen.time.synchronised
        fix = "the deploy's NTP sets it" if by_deploy else "correct its time server, or its clock: `date -s`"
        found = f"{(clock.offset - middle) / 1000:+.1f} s"
        yield host, shortfall(found, f"within {limit / 1000:g} s", fix, by_deploy)


ALL = (hostname_unique, machine_id_unique, mac_unique, address_unique, clock_offset)
