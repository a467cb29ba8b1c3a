"""deployed.yaml: the folder's record of what was deployed, so that an edit of the CSV files can be told from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from cluster.files.atomic import write_atomically
from cluster.files.textfile import read_text
from cluster.files.yamlfile import parse_yaml
from cluster.model import Cluster, Host, Role
from cluster.problems import ClusterError, Place, Problem

DEPLOYED = "deployed.yaml"
_HEADER = "# Written by the deploy: the hosts that it set up last. Not for editing.\n"
_RESTORE = "restore it from a backup, or remove it (hosts that left the CSV files are then forgotten)"


@dataclass(frozen=True)
class DeployedHost(Host):
    """A host as it was deployed, and where the record says so."""

    place: Place


def read_deployed(folder: Path, problems: list[Problem]) -> list[DeployedHost]:
    """The record in `folder`, empty before the first deploy; what is wrong with it is appended to `problems`."""
    path = folder / DEPLOYED
    if not path.exists():
        return []
    text = read_text(path, problems, missing=_RESTORE)
    if text is None:
        return []
    document = parse_yaml(text, DEPLOYED, problems)
    if document.broken:
        return []
    hosts = document.data.get("hosts") if isinstance(document.data, dict) else None
    if not isinstance(hosts, list):
        problems.append(
            Problem("not a record of a deploy: no list `hosts`", _RESTORE, Place(DEPLOYED, 1), cause="deployed-record")
        )
        return []
    deployed = []
    for index, host in enumerate(hosts):
        place = document.place("hosts", index)
        try:
            deployed.append(DeployedHost(str(host["name"]), str(host["address"]), Role(host["role"]), place))
        except (KeyError, TypeError, ValueError):
            problems.append(
                Problem("not a host of a deploy: name, address, role", _RESTORE, place, cause="deployed-record")
            )
    return deployed


def departed_hosts(cluster: Cluster) -> tuple[Host, ...]:
    """Hosts that were deployed and are in the CSV files no more. Raises ClusterError when the record is unreadable."""
    present = {host.name for host in cluster.hosts}
    return tuple(one for one in _hosts(cluster.folder) if one.name not in present)


def record_deployed(cluster: Cluster) -> None:
    """Record the masters and workers of `cluster` as deployed. Departed hosts stay in it until `forget_deployed`."""
    hosts = (*cluster.masters, *cluster.workers, *departed_hosts(cluster))
    _write(cluster.folder, hosts)


def forget_deployed(cluster: Cluster, names: Iterable[str]) -> None:
    """Take hosts out of the record, once they are out of the cluster."""
    gone = set(names)
    _write(cluster.folder, [one for one in _hosts(cluster.folder) if one.name not in gone])


def _hosts(folder: Path) -> list[DeployedHost]:
    problems: list[Problem] = []
    deployed = read_deployed(folder, problems)
    if problems:
        raise ClusterError(*problems)
    return deployed


def _write(folder: Path, hosts: Iterable[Host]) -> None:
    written = [{"name": host.name, "address": host.address, "role": host.role.value} for host in hosts]
    text = _HEADER + yaml.dump({"hosts": written}, Dumper=yaml.CSafeDumper, sort_keys=False)
    path = folder / DEPLOYED
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text)
