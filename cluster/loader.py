"""Reading a cluster folder: the only place in this package that touches files."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from cluster.config import Config
from cluster.model import Cluster, Host, Role
from cluster.problems import ClusterError, Problem


def load(folder: str | Path) -> Cluster:
    """Read master.csv, worker.csv and config.yaml of `folder`; raise ClusterError with every problem found."""
    folder = Path(folder).resolve()
    problems: list[Problem] = []
    masters = _hosts(folder / "master.csv", Role.MASTER, problems)
    workers = _hosts(folder / "worker.csv", Role.WORKER, problems)
    config = _config(folder / "config.yaml", problems)
    if problems or config is None:
        raise ClusterError(problems)
    return Cluster(folder, Host("dev-box", config.dev_box, Role.DEV_BOX), masters, workers, config)


def _hosts(path: Path, role: Role, problems: list[Problem]) -> tuple[Host, ...]:
    hosts = []
    if not path.is_file():
        problems.append(Problem(path.name, 0, "the file is missing", "add it: one `hostname,address` a line"))
        return ()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        name, comma, address = line.partition(",")
        if not (name and comma and address):
            problems.append(Problem(path.name, number, f"not a host: {line!r}", "write `hostname,address`"))
        hosts.append(Host(name, address, role))
    return tuple(hosts)


def _config(path: Path, problems: list[Problem]) -> Config | None:
    if not path.is_file():
        problems.append(Problem(path.name, 0, "the file is missing", "copy inventories/example/config.yaml"))
        return None
    try:
        return Config.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        for one in error.errors():
            key = ".".join(map(str, one["loc"]))
            problems.append(Problem(path.name, 0, f"{key}: {one['msg']}", "see docs/config.md"))
    return None
