"""What the hosts of both CSV files mean for each other, for the config, and against what was deployed."""

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from cluster.config import Config
from cluster.files import MASTERS, WORKERS, ConfigFile, DeployedHost, HostRow, address_flaw
from cluster.problems import NOTICE, Place, Problem


def check_hosts(
    masters: list[HostRow] | None,
    workers: list[HostRow] | None,
    file: ConfigFile,
    is_this_machine: Callable[[str], bool],
) -> Iterator[Problem]:
    """The rows of both CSV files; None for a file that could not be read."""
    rows = [*(masters or ()), *(workers or ())]
    yield from _duplicates(rows)
    yield from _dev_box(rows, file, is_this_machine)
    for name, found in ((MASTERS, masters), (WORKERS, workers)):
        if found is not None:
            yield from _counts(name, found, file.config)
    if file.config:
        yield from _networks(rows, file.config)


def _duplicates(rows: Iterable[HostRow]) -> Iterator[Problem]:
    """Names and addresses that stand twice, in one file or across both."""
    names: dict[str, HostRow] = {}
    addresses: dict[str, HostRow] = {}
    for row in rows:
        twin = names.setdefault(row.name.lower(), row)
        other = addresses.setdefault(row.address, row)
        if twin is not row and twin.role != row.role:
            found = f"{row.name} is on {twin.place} too: a host is a master or a worker"
            yield Problem(found, "remove one of the lines", row.place, cause="csv-twice")
        elif twin is not row:
            yield Problem(
                f"the host name {row.name} is on {twin.place} too", "remove or rename one", row.place, cause="csv-twice"
            )
        if other is not row and other is not twin:
            found = f"the address {row.address} is {other.name}'s on {other.place} too"
            yield Problem(found, "correct one of them", row.place, cause="csv-twice")


def _counts(file: str, rows: list[HostRow], config: Config | None) -> Iterator[Problem]:
    """Whether `file` has as many hosts as OpenPAI and etcd take."""
    if not rows:
        yield Problem("no host in it", "add one `hostname,address` a line", Place(file), cause="csv-empty")
    elif file == MASTERS and len(rows) > 1:
        if not (config and config.allow_multiple_masters):
            fix = "keep one, or set allow_multiple_masters: true in config.yaml"
            yield Problem(f"{len(rows)} masters: OpenPAI takes exactly one", fix, rows[1].place, cause="master-count")
        elif len(rows) % 2 == 0:
            found = f"{len(rows)} masters: etcd needs an odd number of members to keep a majority"
            yield Problem(found, "add or remove one", rows[-1].place, cause="master-count")


def _networks(rows: Iterable[HostRow], config: Config) -> Iterator[Problem]:
    """Hosts inside the networks of the pods and services, which the cluster could then not reach."""
    taken = {name: IPv4Network(getattr(config, name)) for name in ("kube_pods_subnet", "kube_service_addresses")}
    for row in rows:
        if address_flaw(row.address):
            continue
        address = IPv4Address(row.address)
        for name, network in taken.items():
            if address in network and config.installer != "none":
                found = f"{row.address} is inside {name} {network}"
                yield Problem(
                    found, f"set {name} in config.yaml to a network free of hosts", row.place, cause="subnets"
                )


def _dev_box(rows: Iterable[HostRow], file: ConfigFile, is_this_machine: Callable[[str], bool]) -> Iterator[Problem]:
    """The dev box among the cluster's hosts: it has to be a machine of its own."""
    if file.config is None:
        return
    local = file.config.dev_box == "@local"
    for row in rows:
        if address_flaw(row.address):
            continue
        if is_this_machine(row.address) if local else row.address == file.config.dev_box:
            which = "(this machine)" if local else f"of {file.place('dev_box')}"
            found = f"{row.name} is the dev box {which}"
            yield Problem(
                found, "use another machine: the dev box is no host of the cluster", row.place, cause="dev-box"
            )


def changes_since_deploy(rows: Iterable[HostRow], deployed: list[DeployedHost]) -> Iterator[Problem]:
    """What the CSV files say against the record of what was deployed."""
    before = {entry.name: entry for entry in deployed}
    now = {row.name: row for row in rows}
    for row in now.values():
        entry = before.get(row.name)
        if entry is None:
            yield Problem(f"{row.name} is new", "the next deploy adds it", row.place, NOTICE, cause="host-new")
        elif entry.role != row.role:
            fix = "remove it from the cluster before it takes another role"
            yield Problem(f"{row.name} was deployed as {entry.role}", fix, row.place, NOTICE, cause="host-redeployed")
        elif entry.address != row.address:
            fix = "remove it and add it again, unless it is the same machine"
            yield Problem(
                f"{row.name} was deployed at {entry.address}", fix, row.place, NOTICE, cause="host-redeployed"
            )
    for entry in deployed:
        if entry.name not in now:
            found = f"{entry.name} ({entry.address}) was deployed and is in no CSV file"
            fix = "a deploy leaves it alone; tasks.kubernetes.remove_departed takes it out of the cluster"
            yield Problem(found, fix, entry.place, NOTICE, cause="host-departed")
