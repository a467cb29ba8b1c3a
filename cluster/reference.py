"""What is written from the sources: docs/config.md, the example config, docs/troubleshooting.md.

python -m cluster.reference
"""

import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cluster.config import GROUPS, Config, Group, Meta, meta_of
from cluster.explanations import AREAS, Area

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "config.md"
INTRO = ROOT / "templates" / "reference" / "config.md"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
TROUBLESHOOTING_INTRO = ROOT / "templates" / "reference" / "troubleshooting.md"
EXAMPLE = ROOT / "inventories" / "example" / "config.yaml"
_WIDTH = 110
# Keys that the example gives a value, as the guide's config does; `check` names the lines of placeholders.
_ACTIVE = {
    "user": "<your-ssh-username>",
    "password": "<your-ssh-password>",
    "branch_name": "pai-1.0.y",
    "docker_image_tag": "v1.0.0",
}
_EXAMPLE_HEAD = """\
# The config of a cluster, to be edited; `python -m cluster init DIR --example` makes a folder with it, and
# `python -m cluster check DIR` names every line that has to be. A line that begins with `# key:` shows the key's
# default, or an example where it has none. docs/config.md has more, and is generated with this file by
# `python -m cluster.reference`.
"""


def reference() -> str:
    """The text of docs/config.md."""
    intro = INTRO.read_text(encoding="utf-8")
    return "\n".join([intro, *("\n".join(_section(group)) for group in GROUPS)])


def _section(group: type[Group]) -> Iterator[str]:
    title, about = _doc(group)
    yield f"## {title}\n"
    if about:
        yield f"{about}\n"
    yield "| key | type | default | meaning | what it changes |\n|---|---|---|---|---|"
    for name, info in _fields(group):
        meta = meta_of(name)
        meaning = f"{info.description}{_versions(meta)}"
        if meta.example and info.default is None:
            meaning += f" Example: `{meta.example}`"
        default = "required" if info.is_required() else ""
        if not info.is_required() and info.default is not None:
            default = f"`{_value(info.default)}`"
        cells = (f"`{info.alias or name}`", _type(info.annotation), default, meaning, meta.changes or "")
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |")
    yield ""


def example() -> str:
    """The text of the example config.yaml."""
    parts = [_EXAMPLE_HEAD]
    for group in GROUPS:
        title, about = _doc(group)
        parts.append("\n" + "\n".join([f"# {'-' * 8} {title} {'-' * 8}", *_comment(about)]) + "\n")
        for name, info in _fields(group):
            meta = meta_of(name)
            shown = _ACTIVE.get(name) or meta.example or ("..." if info.default is None else _value(info.default))
            line = f"{info.alias or name}: {shown}"
            parts.append("\n")
            parts.extend(f"{text}\n" for text in _comment(f"{info.description}{_versions(meta)}"))
            parts.append(f"{line}\n" if name in _ACTIVE else f"# {line}\n")
    return "".join(parts)


def _fields(group: type[Group]) -> Iterator[tuple[str, FieldInfo]]:
    for name in group.__annotations__:
        yield name, Config.model_fields[name]


def _doc(group: type[Group]) -> tuple[str, str]:
    title, _, about = (group.__doc__ or group.__name__).strip().partition("\n")
    return title.strip(), " ".join(about.split())


def _versions(meta: Meta) -> str:
    if meta.since and meta.until:
        return f" (OpenPAI {meta.since} to {meta.until})"
    return f" (OpenPAI {meta.since} on)" if meta.since else f" (OpenPAI up to {meta.until})" if meta.until else ""


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False)]


def _value(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, default_flow_style=True, width=2**30)
    return text.removesuffix("\n").removesuffix("\n...")


def _type(annotation: Any) -> str:
    """What a reader of the reference calls a type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type(one) for one in arguments if one is not type(None))
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is list:
        return "list"
    if origin is dict:
        return "map"
    return {str: "text", SecretStr: "text, secret", bool: "true or false", int: "number"}.get(annotation, "value")


def troubleshooting() -> str:
    """The text of docs/troubleshooting.md: by area what is seen, with the identifiers as anchors."""
    intro = TROUBLESHOOTING_INTRO.read_text(encoding="utf-8")
    return "\n".join([intro, *(f"## {area.title}\n\n{_by_symptom(area)}\n" for area in AREAS)])


def _by_symptom(area: Area) -> str:
    """A table; preflight's rows say by themselves what is seen."""
    seen = any(each.seen for each in area.entries.values())
    head = [*(["what you see"] if seen else []), "identifier", "why", "what to do"]
    rows = [head, ["---"] * len(head)]
    for name, each in area.entries.items():
        anchor = f'<a id="{name}"></a>`{name}`'
        rows.append([*([each.seen] if seen else []), anchor, each.why, each.remedy])
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def write() -> None:
    """Write all of them."""
    for path, text in ((REFERENCE, reference()), (EXAMPLE, example()), (TROUBLESHOOTING, troubleshooting())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
