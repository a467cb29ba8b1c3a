"""Templates rendered on this machine, so that an operation can show and compare their text."""

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cluster.data import DATA

# What is copied to hosts as it is.
FILES = DATA / "files"
_templates = Environment(
    loader=FileSystemLoader(DATA / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: Any) -> str:
    """The text of templates/`template` with `values`; a value that the template names and nobody gives is an error."""
    return _templates.get_template(template).render(values)
