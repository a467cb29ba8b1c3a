"""Reading a cluster folder: every problem at once, or a Cluster."""

import dataclasses
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster import versions
from cluster.checks import (
    changes_since_deploy,
    check_hosts,
    check_keys,
    check_kubernetes,
    check_layout,
    check_openpai,
    check_permissions,
    check_places,
)
from cluster.config import Config
from cluster.files import (
    CONFIG,
    MASTERS,
    WORKERS,
    ConfigFile,
    HostRow,
    parse_config,
    parse_hosts,
    read_deployed,
    read_text,
)
from cluster.model import Cluster, Host, Role
from cluster.openpai import LAYOUT, LayoutFile, parse_layout
from cluster.problems import WARNING, ClusterError, Place, Problem, errors


@dataclass(frozen=True)
class Inspection:
    """A folder as it was found: the Cluster where it can be used, its layout, and every problem, sorted."""

    problems: list[Problem]
    cluster: Cluster | None = None
    layout: LayoutFile | None = None


def load(folder: str | Path) -> Cluster:
    """Read master.csv, worker.csv and config.yaml of `folder`; raise ClusterError with every error found."""
    inspection = inspect(folder)
    if inspection.cluster is None:
        raise ClusterError(*errors(inspection.problems))
    return inspection.cluster


def inspect(folder: str | Path, layout_file: Path | None = None) -> Inspection:
    """Everything that can be said of `folder`; `layout_file` stands in for the folder's layout.yaml."""
    path = Path(folder).resolve()
    problems: list[Problem] = []
    if not path.is_dir():
        fix = f"make it: python -m cluster init {folder} --master F --worker F --config F (or --example)"
        return Inspection([Problem("no such folder", fix, Place(str(folder)), cause="folder-missing")])
    masters = _hosts(path / MASTERS, problems)
    workers = _hosts(path / WORKERS, problems)
    file = _config(path / CONFIG, problems)
    rows = [*(masters or ()), *(workers or ())]
    layout = _layout(layout_file or path / LAYOUT, rows, file.config, problems, asked=layout_file is not None)
    together = [
        *check_keys(file),
        *check_places(file),
        *check_permissions(path, file),
        *check_hosts(masters, workers, file, is_this_machine),
        *check_openpai(file, layout.layout if layout else None),
    ]
    problems.extend(problem for problem in together if not _rests_on(file.wrong, problem))
    problems.extend(_edits(path, rows))
    cluster = None
    if file.config and masters and workers and not errors(problems):
        dev_box = Host("dev-box", file.config.dev_box, Role.DEV_BOX)
        cluster = Cluster(path, dev_box, _named(masters), _named(workers), file.config)
        problems.extend(check_kubernetes(file, cluster))
    problems = sorted(set(problems))
    return Inspection(problems, None if errors(problems) else cluster, layout)


def _rests_on(wrong: frozenset[str], problem: Problem) -> bool:
    """Whether the problem speaks of a key whose value is wrong: the default was judged in its place."""
    return any(re.search(rf"\b{re.escape(key)}\b", problem.found) for key in wrong)


def _named(rows: list[HostRow]) -> tuple[Host, ...]:
    return tuple(Host(row.name, row.address, row.role) for row in rows)


def _hosts(path: Path, problems: list[Problem]) -> list[HostRow] | None:
    text = read_text(path, problems, missing="add it: one `hostname,address` a line")
    return None if text is None else parse_hosts(text, path.name, problems)


def _config(path: Path, problems: list[Problem]) -> ConfigFile:
    text = read_text(path, problems, missing="copy inventories/example/config.yaml and edit it")
    return ConfigFile() if text is None else parse_config(text, problems)


def _edits(path: Path, rows: list[HostRow]) -> Iterator[Problem]:
    """Notices of what an edit of the CSV files means; a bad record is a warning, as the folder itself is good."""
    found: list[Problem] = []
    deployed = read_deployed(path, found)
    yield from (dataclasses.replace(problem, severity=WARNING) for problem in found)
    if deployed:
        yield from changes_since_deploy(rows, deployed)


def _layout(
    path: Path, rows: list[HostRow], config: Config | None, problems: list[Problem], *, asked: bool
) -> LayoutFile | None:
    if not (asked or path.exists()):
        return None
    if config and not versions.of(config).takes_layout:
        found = f"OpenPAI {versions.of(config)} does not read it"
        problems.append(
            Problem(found, "remove it, or install v1.5.0 or later", Place(path.name), WARNING, cause="layout-ignored")
        )
        return None
    text = read_text(path, problems, missing="name a file that exists")
    if text is None:
        return None
    layout, document = parse_layout(text, path.name, problems)
    if layout:
        hived = config is None or config.enable_hived_scheduler
        problems.extend(check_layout(layout, document, rows, hived=hived))
    return LayoutFile(layout, text) if layout else None


def is_this_machine(address: str) -> bool:
    """Whether `address` belongs to an interface of this machine."""
    return _binds(address) and not _binds("192.0.2.1")  # TEST-NET-1 binds only where the kernel lets every address


def _binds(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind((address, 0))
        return True
    return False
