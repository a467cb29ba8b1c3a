"""Reading a cluster folder: every problem at once, or a Cluster."""

from __future__ import annotations

import dataclasses
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import configfile, crosscheck, hosts, kubernetes, layout, record, rules, textfile, versions
from cluster.config import Config
from cluster.configfile import FILE as CONFIG
from cluster.configfile import ConfigFile
from cluster.crosscheck import MASTERS, WORKERS
from cluster.hosts import Row
from cluster.model import Cluster, Host, Role
from cluster.problems import WARNING, ClusterError, Problem, errors

_PRIVATE = ("secrets.yaml", "id_ed25519", record.FILE)
_ADD_CSV = "add it: one `hostname,address` a line"


@dataclass(frozen=True)
class Inspection:
    """A folder as it was found: the Cluster where it can be used, its layout, and every problem, sorted."""

    problems: list[Problem]
    cluster: Cluster | None = None
    layout: layout.LayoutFile | None = None


def load(folder: str | Path) -> Cluster:
    """Read master.csv, worker.csv and config.yaml of `folder`; raise ClusterError with every error found."""
    inspection = inspect(folder)
    if inspection.cluster is None:
        raise ClusterError(errors(inspection.problems))
    return inspection.cluster


def inspect(folder: str | Path, layout_file: Path | None = None) -> Inspection:
    """Everything that can be said of `folder`; `layout_file` stands in for the folder's layout.yaml."""
    path = Path(folder).resolve()
    problems: list[Problem] = []
    if not path.is_dir():
        remedy = f"make it: python -m cluster init {folder} --master F --worker F --config F"
        return Inspection([Problem(str(folder), 0, "no such folder", remedy)])
    masters = _rows(path / MASTERS, problems)
    workers = _rows(path / WORKERS, problems)
    file = _config(path, problems)
    rows = [*(masters or ()), *(workers or ())]
    problems.extend(rules.problems(file))
    problems.extend(crosscheck.duplicates(rows))
    problems.extend(crosscheck.dev_box(rows, file, is_this_machine))
    for name, found in ((MASTERS, masters), (WORKERS, workers)):
        if found is not None:
            problems.extend(crosscheck.counts(name, found, file.config))
    if file.config:
        problems.extend(crosscheck.networks(rows, file.config))
    problems.extend(_readable(path))
    problems.extend(_edits(path, rows))
    plan = _layout(layout_file or path / layout.FILE, rows, file.config, problems, asked=layout_file is not None)
    cluster = None
    if file.config and masters and workers and not errors(problems):
        cluster = _cluster(path, masters, workers, file.config)
        problems.extend(_located(problem, file) for problem in kubernetes.problems(cluster))
    problems = sorted(set(problems))
    return Inspection(problems, None if errors(problems) else cluster, plan)


def _cluster(path: Path, masters: list[Row], workers: list[Row], config: Config) -> Cluster:
    return Cluster(
        path,
        Host("dev-box", config.dev_box, Role.DEV_BOX),
        tuple(Host(row.name, row.address, Role.MASTER) for row in masters),
        tuple(Host(row.name, row.address, Role.WORKER) for row in workers),
        config,
    )


def _rows(path: Path, problems: list[Problem]) -> list[Row] | None:
    text = textfile.read(path, problems, missing=_ADD_CSV)
    return None if text is None else hosts.parse(text, path.name, problems)


def _config(path: Path, problems: list[Problem]) -> ConfigFile:
    text = textfile.read(path / CONFIG, problems, missing="copy inventories/example/config.yaml and edit it")
    if text is None:
        return ConfigFile()
    file = configfile.parse(text, problems)
    if file.holds_secret and (mode := _open_mode(path / CONFIG)):
        said = f"holds a password and others can read it (mode {mode:04o})"
        problems.append(Problem(CONFIG, 0, said, f"run: chmod 600 {path / CONFIG}"))
    if file.config and file.config.ssh_key_file_path:
        problems.extend(_key(file))
    return file


def _key(file: ConfigFile) -> Iterator[Problem]:
    """What is wrong with the private key that the config names."""
    assert file.config and file.config.ssh_key_file_path
    line = file.line("ssh_key_file_path")
    text = file.config.ssh_key_file_path
    path = Path(text)
    if configfile.PLACEHOLDER.fullmatch(text):
        return
    if not path.is_absolute():
        yield Problem(CONFIG, line, f"ssh_key_file_path {text} is relative", "write it from / or ~/ on")
    elif not path.is_file():
        yield Problem(
            CONFIG, line, f"ssh_key_file_path {text}: no such file", "correct it, or make the key: ssh-keygen"
        )
    elif mode := _open_mode(path):
        said = f"ssh_key_file_path {text}: others can read it (mode {mode:04o}), so ssh refuses it"
        yield Problem(CONFIG, line, said, f"run: chmod 600 {path}")


def _readable(path: Path) -> Iterator[Problem]:
    """Private files of the folder that others can read."""
    for name in _PRIVATE:
        if (path / name).is_file() and (mode := _open_mode(path / name)):
            yield Problem(name, 0, f"others can read it (mode {mode:04o})", f"run: chmod 600 {path / name}")


def _open_mode(path: Path) -> int:
    """The mode of `path` when its group or others may do anything with it, else 0."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & 0o077 else 0


def _edits(path: Path, rows: list[Row]) -> Iterator[Problem]:
    """Notices of what an edit of the CSV files means; a bad record is a warning, as the folder itself is good."""
    found: list[Problem] = []
    deployed = record.read(path, found)
    yield from (dataclasses.replace(problem, severity=WARNING) for problem in found)
    if deployed:
        yield from crosscheck.edits(rows, deployed, {MASTERS: Role.MASTER.value, WORKERS: Role.WORKER.value})


def _layout(
    path: Path, rows: list[Row], config: Config | None, problems: list[Problem], *, asked: bool
) -> layout.LayoutFile | None:
    if not (asked or path.exists()):
        return None
    if config and not versions.of(config).takes_layout:
        said = f"OpenPAI {versions.of(config)} does not read it"
        problems.append(Problem(path.name, 0, said, "remove it, or install v1.5.0 or later", WARNING))
        return None
    text = textfile.read(path, problems, missing="name a file that exists")
    if text is None:
        return None
    plan, document = layout.parse(text, path.name, problems)
    if plan:
        hived = config is None or config.enable_hived_scheduler
        problems.extend(layout.check(plan, document, path.name, rows, hived))
    return layout.LayoutFile(plan, text) if plan else None


def _located(problem: Problem, file: ConfigFile) -> Problem:
    """`problem` on the line of the key that its message begins with."""
    name = problem.message.partition(" ")[0].rstrip(":")
    line = file.line(name) if name in Config.model_fields else 0
    return dataclasses.replace(problem, line=problem.line or line)


def is_this_machine(address: str) -> bool:
    """Whether `address` belongs to an interface of this machine."""
    return _binds(address) and not _binds("192.0.2.1")  # TEST-NET-1 binds only where the kernel lets every address


def _binds(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
