"""config.yaml: from text to a Config, with every problem on its line and no secret in any message."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from cluster.config import Config, is_secret
from cluster.files.yamlfile import YamlDocument, parse_yaml
from cluster.problems import ERROR, WARNING, Place, Problem, Severity, quoted

CONFIG = "config.yaml"
REFERENCE = "docs/config.md"
PLACEHOLDER = re.compile(
    r"<[^<>]*>|\.\.\.|/path/to/.*|exampleuser|examplepasswd|(?i:(change|replace)[-_ ]?(me|this)|your[-_ ].*|todo|x{3,})"
)
_NAMES = {info.alias or name: name for name, info in Config.model_fields.items()}
_SECRETS = "|".join(key for key, name in _NAMES.items() if is_secret(name))
_SECRET_KEY = re.compile(rf"^\s*[\"']?({_SECRETS})[\"']?\s*:", re.MULTILINE)
_CUT_SECRET = re.compile(rf"^({_SECRETS})\s*:\s+[^\s\"'|>#][^\n]*?\s#")
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a map"}
_WANTED = {"string": "text", "int": "a whole number", "bool": "true or false", "list": "a list", "dict": "a map"}
_QUOTE = "put it in quotes"


@dataclass
class ConfigFile:
    """What config.yaml says: the Config, the place of each key, whether it holds a secret.

    Where keys are wrong (`wrong`, their names in the file) the Config is that of the others, for what else can be said.
    """

    config: Config | None = None
    wrong: frozenset[str] = frozenset()
    document: YamlDocument = field(default_factory=lambda: YamlDocument(CONFIG))
    holds_secret: bool = False

    def place(self, name: str) -> Place:
        """Where the key of this attribute name is; the file as a whole when it is not there."""
        return self.document.place(Config.model_fields[name].alias or name) if self.given(name) else Place(CONFIG)

    def problem(self, name: str, found: str, fix: str, severity: Severity = ERROR, *, cause: str) -> Problem:
        """A problem with the key of this attribute name; `cause` as in Problem."""
        return Problem(found, fix, self.place(name), severity, cause=cause)

    def given(self, name: str) -> bool:
        """Whether the file gives this key a value."""
        return self.config is not None and name in self.config.model_fields_set


def parse_config(text: str, problems: list[Problem]) -> ConfigFile:
    """Read the text of a config.yaml; what is wrong is appended to `problems`."""
    document = parse_yaml(text, CONFIG, problems)
    result = ConfigFile(document=document, holds_secret=bool(_SECRET_KEY.search(text)))
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        problems.append(
            Problem(
                "not a map of keys", f"write `key: value` lines; see {REFERENCE}", Place(CONFIG, 1), cause="yaml-map"
            )
        )
        return result
    if document.broken and not data:
        return result
    flagged = set(document.unread)
    values = _known_values(data, document, problems, flagged)
    result.holds_secret = any(is_secret(_NAMES[key]) for key in values) or (document.broken and result.holds_secret)
    problems.extend(_cut_by_a_comment(text, values))
    found = _errors(values)
    problems.extend(_from_pydantic(one, values, document) for one in found if str(one["loc"][0]) not in flagged)
    unfit = {str(one["loc"][0]) for one in found}
    result.wrong = frozenset(flagged | unfit)
    others = {key: value for key, value in values.items() if key not in unfit}
    if not _errors(others):
        result.config = Config.model_validate(others)
    return result


def _errors(values: dict[str, Any]) -> list[Any]:
    """What pydantic has against `values`."""
    try:
        Config.model_validate(values)
    except ValidationError as error:
        return list(error.errors(include_url=False, include_context=True))
    return []


def _cut_by_a_comment(text: str, values: dict[str, Any]) -> Iterator[Problem]:
    """A warning of each secret of which YAML takes a part for a comment: `password: pass #word` is `pass`."""
    for number, line in enumerate(text.split("\n"), 1):
        cut = _CUT_SECRET.match(line)
        if cut and isinstance(values.get(cut[1]), str):
            found = f"{cut[1]}: the value ends before ` #`, where YAML begins a comment"
            fix = "put the value in single quotes if the # belongs to it, else the comment on a line of its own"
            yield Problem(found, fix, Place(CONFIG, number), WARNING, cause="value-cut")


def _known_values(
    data: dict[Any, Any], document: YamlDocument, problems: list[Problem], flagged: set[str]
) -> dict[str, Any]:
    """The keys that the schema knows and that have a value; the others become problems.

    A key with a placeholder is added to `flagged`, the keys that need no further problem.
    """
    values = {}
    for key, value in data.items():
        place = document.place(str(key))
        if key not in _NAMES:
            problems.append(Problem(f"unknown key {quoted(key)}", _nearest(str(key)), place, cause="key-unknown"))
        elif value is None:
            fix = "give it a value, or remove the line"
            problems.append(Problem(f"{key}: no value, so the default counts", fix, place, WARNING, cause="key-empty"))
        else:
            values[key] = value
            for path in _placeholders(value, (key,), set()):
                flagged.add(key)
                found = f"{key}: the example's placeholder is still there"
                problems.append(
                    Problem(
                        found, "write your own value, or remove the key", document.place(*path), cause="placeholder"
                    )
                )
    return values


def _nearest(key: str) -> str:
    swapped = {name.replace("-", "_").lower(): name for name in _NAMES}
    near = difflib.get_close_matches(key.replace("-", "_").lower(), swapped, n=1, cutoff=0.6)
    return f"did you mean {swapped[near[0]]}? {REFERENCE} lists the keys" if near else f"{REFERENCE} lists the keys"


def _placeholders(value: Any, path: tuple[str | int, ...], seen: set[int]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        if PLACEHOLDER.fullmatch(value):
            yield path
    elif isinstance(value, dict | list) and id(value) not in seen:
        seen.add(id(value))
        for index, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _placeholders(child, (*path, index), seen)


def _from_pydantic(error: Any, values: dict[str, Any], document: YamlDocument) -> Problem:
    """One of pydantic's errors as a Problem."""
    path: tuple[str | int, ...]
    key, *rest = error["loc"]
    if error["type"] == "missing":
        return Problem(
            f"{key}: missing", f"add the line `{key}: ...`; see {REFERENCE}", Place(CONFIG), cause="key-missing"
        )
    value, name, path = values[key], key, (key,)
    for part in rest:
        if isinstance(value, list) and isinstance(part, int):
            value, name, path = value[part], f"{name}[{part + 1}]", (*path, part)
        elif isinstance(value, dict) and rest[-1] == "[key]":
            return Problem(
                f"{name}: expected text for a name, found {quoted(part)}",
                _QUOTE,
                document.place(*path),
                cause="key-value",
            )
        elif isinstance(value, dict) and part in value:
            value, name, path = value[part], f"{name}.{part}", (*path, part)
    place = document.place(*path)
    shown = f" {quoted(value)}" if _may_show(key, value) else ""
    wanted = _WANTED.get(error["type"].partition("_")[0])
    if error["type"].endswith("_type") and wanted:
        kind = _KINDS.get(type(value), "something else")
        return Problem(
            f"{name}: expected {wanted}, found {kind}{shown}", _fix_of_type(wanted, value), place, cause="key-value"
        )
    context = error.get("ctx", {})
    expected = {
        "literal_error": f"expected {context.get('expected', '')}",
        "greater_than_equal": f"expected {context.get('ge')} or more",
        "less_than_equal": f"expected {context.get('le')} or less",
    }.get(error["type"], error["msg"].removeprefix("Value error, "))
    found = f"{name}: {expected}" + (f", found{shown}" if shown else "")
    choices = re.findall(r"'([^']*)'", expected) if error["type"] == "literal_error" else []
    near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.6) if shown else []
    meant = f"did you mean {near[0]}? " if near else ""
    return Problem(found, f"{meant}see {_NAMES[key]} in {REFERENCE}", place, cause="key-value")


def _may_show(key: str, value: Any) -> bool:
    """Whether a message may quote the value: no secret, no URL that may hold a password, and of bounded length."""
    return isinstance(value, str | int | float) and not is_secret(_NAMES[key]) and "@" not in str(value)


def _fix_of_type(wanted: str, value: Any) -> str:
    if wanted == "text":
        return _QUOTE if isinstance(value, bool | int | float) else "write one value"
    if wanted == "a list":
        return "write [one, two], or one `- value` a line"
    if wanted == "a map":
        return "write one `name: value` a line below the key, indented"
    return "remove the quotes" if isinstance(value, str) else f"write {wanted}"
