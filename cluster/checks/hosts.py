"""What the hosts of both CSV files mean for each other, for the config, and against what was deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from cluster.config import Config
from cluster.files import CONFIG, DEPLOYED, MASTERS, WORKERS, ConfigFile, DeployedHost, HostRow, address_flaw
from cluster.model import Role
from cluster.problems import NOTICE, Problem

_ROLES = {MASTERS: Role.MASTER, WORKERS: Role.WORKER}


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
        if twin is not row and twin.file != row.file:
            said = f"{row.name} is on {twin.place} too: a host is a master or a worker"
            yield Problem(row.file, row.line, said, "remove one of the lines")
        elif twin is not row:
            yield Problem(
                row.file, row.line, f"the host name {row.name} is on {twin.place} too", "remove or rename one"
            )
        if other is not row and other is not twin:
            said = f"the address {row.address} is {other.name}'s on {other.place} too"
            yield Problem(row.file, row.line, said, "correct one of them")


def _counts(file: str, rows: list[HostRow], config: Config | None) -> Iterator[Problem]:
    """Whether `file` has as many hosts as OpenPAI and etcd take."""
    if not rows:
        yield Problem(file, 0, "no host in it", "add one `hostname,address` a line")
    elif file == MASTERS and len(rows) > 1:
        if not (config and config.allow_multiple_masters):
            remedy = "keep one, or set allow_multiple_masters: true in config.yaml"
            yield Problem(file, rows[1].line, f"{len(rows)} masters: OpenPAI takes exactly one", remedy)
        elif len(rows) % 2 == 0:
            said = f"{len(rows)} masters: etcd needs an odd number of members to keep a majority"
            yield Problem(file, rows[-1].line, said, "add or remove one")


def _networks(rows: Iterable[HostRow], config: Config) -> Iterator[Problem]:
    """Hosts inside the networks of the pods and services, which the cluster could then not reach."""
    taken = {name: IPv4Network(getattr(config, name)) for name in ("kube_pods_subnet", "kube_service_addresses")}
    for row in rows:
        if address_flaw(row.address):
            continue
        address = IPv4Address(row.address)
        for name, network in taken.items():
            if address in network and config.installer != "none":
                said = f"{row.address} is inside {name} {network}"
                yield Problem(row.file, row.line, said, f"set {name} in config.yaml to a network free of hosts")


def _dev_box(rows: Iterable[HostRow], file: ConfigFile, is_this_machine: Callable[[str], bool]) -> Iterator[Problem]:
    """The dev box among the cluster's hosts: it has to be a machine of its own."""
    if file.config is None:
        return
    local = file.config.dev_box == "@local"
    for row in rows:
        if address_flaw(row.address):
            continue
        if is_this_machine(row.address) if local else row.address == file.config.dev_box:
            which = "(this machine)" if local else f"of {CONFIG}:{file.line('dev_box')}"
            said = f"{row.name} is the dev box {which}"
            yield Problem(row.file, row.line, said, "use another machine: the dev box is no host of the cluster")


def changes_since_deploy(rows: Iterable[HostRow], deployed: list[DeployedHost]) -> Iterator[Problem]:
    """What the CSV files say against the record of what was deployed."""
    before = {entry.name: entry for entry in deployed}
    now = {row.name: row for row in rows}
    for row in now.values():
        entry = before.get(row.name)
        if entry is None:
            yield _notice(row.file, row.line, f"{row.name} is new", "the next deploy adds it")
        elif entry.role != _ROLES[row.file].value:
            said = f"{row.name} was deployed as {entry.role}"
            yield _notice(row.file, row.line, said, "remove it from the cluster before it takes another role")
        elif entry.address != row.address:
            said = f"{row.name} was deployed at {entry.address}"
            yield _notice(row.file, row.line, said, "remove it and add it again, unless it is the same machine")
    for entry in deployed:
        if entry.name not in now:
            said = f"{entry.name} ({entry.address}) was deployed and is in no CSV file"
            remedy = "a deploy leaves it alone; tasks.kubernetes.remove_departed takes it out of the cluster"
            yield _notice(DEPLOYED, entry.line, said, remedy)


def _notice(file: str, line: int, message: str, remedy: str) -> Problem:
    return Problem(file, line, message, remedy, NOTICE)
