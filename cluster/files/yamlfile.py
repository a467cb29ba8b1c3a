"""YAML with the line of every value, duplicate keys found, and every error as a Problem."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cluster.problems import Place, Problem, quoted

Path = tuple[str | int, ...]
# What PyYAML lets out where a value does not fit its tag, as `!!int ""`, `!!bool x` and `!!timestamp x`.
_OUT_OF_SHAPE = (ValueError, IndexError, KeyError, AttributeError)
_QUOTES = "put values with special characters in single quotes"


class _Loader(yaml.CSafeLoader):
    """Without YAML 1.1's dates: a tag such as 2020-01-01 is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class YamlDocument:
    """What a YAML file says: its value, and the line of each part by its path of keys and indexes.

    `unread` are the top-level keys whose values could not be read; with one, or with no value at all, it is `broken`.
    """

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    broken: bool = False

    def place(self, *path: str | int) -> Place:
        """Where the part at `path` is, or the closest part around it; line 0 when there is none."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines.get(path, 0))


def parse_yaml(text: str, file: str, problems: list[Problem]) -> YamlDocument:
    """Parse `text`; what is wrong is appended to `problems`, and no message quotes a value."""
    document = YamlDocument(file)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _Index(document, problems).add(node, ())
            document.data = _construct(loader, node, document, problems)
    except yaml.YAMLError as error:
        problems.append(_from_yaml(error, file))
        document.broken = True
    except RecursionError:
        problems.append(
            Problem("nested too deeply", "write plain keys, lists and maps", Place(file, 1), cause="yaml-syntax")
        )
        document.broken = True
    finally:
        loader.dispose()
    return document


def _from_yaml(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    if not mark:
        return Problem(f"not YAML: {said}", _QUOTES, Place(file, 1), cause="yaml-syntax")
    found = f"column {mark.column + 1}: not YAML: {said}" + (f" {context}" if context else "")
    return Problem(found, _QUOTES, Place(file, mark.line + 1), cause="yaml-syntax")


class _Index:
    """Notes the line of every part of a document, and finds duplicate keys."""

    def __init__(self, document: YamlDocument, problems: list[Problem]):
        self.document, self.problems = document, problems
        self.done: set[int] = set()
        self.open: set[int] = set()

    def add(self, node: yaml.Node, path: Path) -> None:
        """Index `node` and what is below it; a node that aliases repeat is indexed where it stands first."""
        if id(node) in self.open:
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, "an alias that contains itself", mark)
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self.done or not isinstance(node, yaml.CollectionNode):
            return
        self.open.add(id(node))
        for name, line, child in self._children(node):
            below = (*path, name)
            self.document.lines[below] = line
            self.add(child, below)
        self.open.remove(id(node))
        self.done.add(id(node))

    def _children(self, node: yaml.CollectionNode) -> Iterator[tuple[str | int, int, yaml.Node]]:
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                yield index, child.start_mark.line + 1, child
            return
        seen: dict[str, int] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in seen and key.value != "<<":
                found = f"the key {quoted(key.value)} stands twice, first on line {seen[key.value]}"
                self.problems.append(Problem(found, "keep one", Place(self.document.file, line), cause="key-twice"))
            seen.setdefault(key.value, line)
            yield key.value, line, child


def _construct(loader: _Loader, node: yaml.Node, document: YamlDocument, problems: list[Problem]) -> Any:
    """The value of `node`; in the top mapping key by key, so that one bad value does not hide the others."""
    if not isinstance(node, yaml.MappingNode):
        return _value(loader, node)
    data: dict[Any, Any] = {}
    for key, child in node.value:
        pair = yaml.MappingNode(node.tag, [(key, child)], node.start_mark, node.end_mark)
        try:
            data.update(_value(loader, pair))
        except yaml.YAMLError:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            found = f"{name}: a value that YAML cannot read (a tag, or a number out of shape)"
            problems.append(Problem(found, _QUOTES, Place(document.file, key.start_mark.line + 1), cause="yaml-syntax"))
            document.unread.add(name)
            document.broken = True
    return data


def _value(loader: _Loader, node: yaml.Node) -> Any:
    """The value of `node`; a yaml.YAMLError where it has none."""
    try:
        return loader.construct_document(node)
    except _OUT_OF_SHAPE as error:
        what = "a value that does not fit its tag"
        raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from error
