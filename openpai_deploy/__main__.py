"""openpai-deploy cluster | lab | completion: what `python -m cluster` and `python -m lab` do in a checkout."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from cluster import __version__
from cluster.__main__ import main as cluster

PROGRAM = "openpai-deploy"
_COMPLETE = "_OPENPAI_DEPLOY_COMPLETE"


@click.group(help=__doc__)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    pass


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete this command; in ~/.bashrc: eval "$(openpai-deploy completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, PROGRAM, _COMPLETE).source())


cli.add_command(cluster, "cluster")
if sys.platform == "linux":  # the lab's hosts are Linux containers
    from lab.cli import cli as lab

    cli.add_command(lab, "lab")


def main() -> None:
    """Entry point: an error of the lab is one sentence and exit status 1."""
    from lab.shell import LabError

    try:
        cli(prog_name=PROGRAM)
    except LabError as error:
        sys.exit(f"lab: {error}")


if __name__ == "__main__":
    main()
