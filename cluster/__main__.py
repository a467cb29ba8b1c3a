"""python -m cluster init | check | render | explain: make a cluster folder, check it, render upstream's files."""

import difflib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from cluster import __version__, commands, secrets, versions
from cluster.data import DATA
from cluster.explanations import EXPLANATIONS, explained, listed
from cluster.files import CONFIG, MASTERS, WORKERS, read_text, write_atomically
from cluster.loader import Inspection, inspect
from cluster.openpai import kubespray_files, openpai_files, parse_resources
from cluster.problems import ClusterError, Place, Problem

_FILES = {"master": MASTERS, "worker": WORKERS, "config": CONFIG}
_EXAMPLE = DATA / "inventories" / "example"
_INVENTORY = '''\
"""The cluster of the folder beside this file, of the same name, as pyinfra groups."""

from tasks.reach import groups

dev_box, master, worker = groups(__file__)
'''


def _of_inventory(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    """The inventory file stands for its folder."""
    return folder.with_suffix("") if folder.suffix == ".py" else folder


_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), callback=_of_inventory)
_existing = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(help=__doc__)
@click.version_option(__version__, prog_name="openpai-deploy")
def main() -> None:
    pass


@main.command(short_help="Make the cluster folder DIR, and DIR.py.")
@_folder
@click.option("--master", type=_existing, help="The guide's master.csv.")
@click.option("--worker", type=_existing, help="The guide's worker.csv.")
@click.option("--config", type=_existing, help="The guide's config.")
@click.option("--example", is_flag=True, help="Files to be edited, in place of those.")
def init(folder: Path, example: bool, **given: Path | None) -> None:
    """Make the cluster folder DIR from the guide's three files, as they are, and the inventory DIR.py beside it.
    Overwrites nothing."""
    sources = {option: path for option, path in given.items() if path}
    missing = [f"--{option}" for option in _FILES if option not in sources]
    if example and sources:
        raise click.UsageError(f"--example takes the place of --{' and --'.join(sources)}: give one or the other")
    if missing and not example:
        raise click.UsageError(f"missing {', '.join(missing)}; with --example the folder has files to be edited")
    if example:
        sources = {option: _EXAMPLE / name for option, name in _FILES.items()}
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            fix = "name a new folder, or edit this one"
            _fail(Problem("exists already and is not empty", fix, Place(str(folder)), cause="folder-exists"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".init.", dir=folder.parent) as parent:
            made = Path(parent) / "folder"
            made.mkdir(mode=0o700)
            for option, name in _FILES.items():
                (made / name).touch(mode=0o600)
                (made / name).write_bytes(sources[option].read_bytes())
            os.replace(made, folder)
        inventory = folder.with_name(f"{folder.name}.py")
        if not inventory.exists():
            write_atomically(inventory, _INVENTORY, mode=0o644)
    except OSError as error:
        _fail(_unusable(error, folder))
    edit = f"edit {', '.join(_FILES.values())} in it, then " if example else ""
    click.echo(f"{folder}: made; next: {edit}{commands.check(folder)}")


@main.command(short_help="Say everything that is wrong with DIR.")
@_folder
@click.option("--json", "as_json", is_flag=True, help="For machines: {ok, problems: [{id, file, line, ...}]}.")
def check(folder: Path, as_json: bool) -> None:
    """Say everything that is wrong with the cluster folder DIR. Exits 1 when it cannot be used."""
    inspection = inspect(folder)
    usable = inspection.cluster is not None
    if as_json:
        problems = [_for_machines(problem) for problem in inspection.problems]
        click.echo(json.dumps({"ok": usable, "problems": problems}, indent=2))
    else:
        _say((problem.within(folder) for problem in inspection.problems), err=False)
        if usable:
            # No error: the environment of the run may have what is missing here.
            unarmed = any(problem.cause == "no-login" for problem in inspection.problems)
            first = "give it something to log in with, then " if unarmed else ""
            click.echo(f"{folder}: {_summary(inspection)}; next: {first}{commands.preflight(folder)}")
    sys.exit(0 if usable else 1)


@main.command(short_help="Render upstream's files from the cluster folder DIR.")
@_folder
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder for the files; made if missing.")
@click.option("--resources", type=_existing, help="What the nodes have to give, as JSON: renders OpenPAI's files too.")
@click.option("--layout", "layout_file", type=_existing, help="layout.yaml, in place of the one in DIR.")
def render(folder: Path, output: Path, resources: Path | None, layout_file: Path | None) -> None:
    """Render upstream's files from the cluster folder DIR: hosts.yml and openpai.yml for kubespray, and, with
    --resources, layout.yaml and services-configuration.yaml for OpenPAI."""
    inspection = inspect(folder, layout_file)
    for problem in inspection.problems:
        elsewhere = layout_file and problem.place.file == layout_file.name
        click.echo(str(problem.within(layout_file.parent if layout_file and elsewhere else folder)), err=True)
    if inspection.cluster is None:
        sys.exit(1)
    try:
        rendered = kubespray_files(inspection.cluster)
        if resources:
            problems: list[Problem] = []
            text = read_text(resources, problems, missing="name a file that exists")
            if text is None or problems:
                raise ClusterError(*problems)
            nodes = parse_resources(text, resources.name)
            service_secrets = secrets.services(inspection.cluster)
            more = openpai_files(inspection.cluster, nodes, service_secrets, inspection.layout, resources.name)
            rendered.files |= more.files
            rendered.warnings += more.warnings
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in rendered.files.items():
            write_atomically(output / name, content)
    except ClusterError as error:
        _fail(*error.problems)
    except OSError as error:
        _fail(_unusable(error, output))
    _say(rendered.warnings, err=True)
    for name in rendered.files:
        click.echo(output / name)


def _identifiers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For the shell's completion."""
    return [name for name in EXPLANATIONS if name.startswith(incomplete)]


@main.command(short_help="Say what a message's IDENTIFIER means, and what to do.")
@click.argument("identifier", required=False, shell_complete=_identifiers)
def explain(identifier: str | None) -> None:
    """Say what is meant by IDENTIFIER, the word in brackets behind a message or in preflight's rows: why, and what to
    do. Without one, list them all."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if identifier is None:
        click.echo(listed(width))
    elif (name := identifier.strip("[]")) in EXPLANATIONS:
        click.echo(explained(name, width))
    else:
        near = difflib.get_close_matches(name, EXPLANATIONS, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "python -m cluster explain lists them"
        click.echo(f"nothing is called {name}; {hint}", err=True)
        sys.exit(1)


def _summary(inspection: Inspection) -> str:
    cluster = inspection.cluster
    assert cluster is not None
    workers = len(cluster.workers)
    masters = len(cluster.masters)
    hosts = f"{masters} master{'s' * (masters > 1)}, {workers} worker{'s' * (workers > 1)}"
    return f"{hosts}, OpenPAI {versions.of(cluster.config)}: can be used"


def _for_machines(problem: Problem) -> dict[str, str | int]:
    """A problem as an object of `check --json`."""
    return {
        "id": problem.cause,
        "file": problem.place.file,
        "line": problem.place.line,
        "message": problem.found,
        "remedy": problem.fix,
        "severity": problem.severity,
    }


def _unusable(error: OSError, path: Path) -> Problem:
    return Problem(
        f"cannot be used: {error.strerror}",
        "choose another place",
        Place(str(error.filename or path)),
        cause="place-unusable",
    )


def _say(problems: Iterable[Problem], *, err: bool) -> None:
    for problem in problems:
        click.echo(str(problem), err=err)


def _fail(*problems: Problem) -> None:
    _say(problems, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m cluster")
