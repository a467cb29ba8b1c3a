"""Showing what a file operation of ours would change, as pyinfra's own do with --diff."""

from pyinfra import host, logger, state
from pyinfra.api.output import format_text
from pyinfra.operations.util.files import generate_color_diff


def show_diff(path: str, before: str, after: str) -> None:
    """Print the difference of a file's text on this host when pyinfra runs with --diff."""
    if not state.config.DIFF:
        return
    host.log(f"Will modify {format_text(path, bold=True)}", logger.info)
    for line in generate_color_diff(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        logger.info("  %s", line)
