"""What the sources say to people with an identifier: the calls that do, and the identifiers in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Functions that say why something is refused, and how many of their arguments are no sentence.
SPEAKERS = {"Problem": 0, "identified": 0, "stop": 0, "refused": 0, "_refuse": 0, "complain": 2, "failed": 1}
# What stands for an identifier of its own, that a caller or an earlier sentence gave.
HANDED_ON = {"cause", "own[2]"}
_TEXT = (ast.Constant, ast.JoinedStr, ast.BinOp)


@dataclass
class Call:
    """One call that says something; `identifiers` are those that it can have, `unknown` what is not plain of them."""

    place: str
    needs_one: bool
    given: bool
    identifiers: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def calls(*rooms: str, but: frozenset[str] = frozenset()) -> Iterator[Call]:
    """Every such call below `rooms`, which are relative to the checkout; not in the files of `but`."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            if file not in but:
                yield from calls_of(path.read_text(encoding="utf-8"), file)


def calls_of(source: str, file: str) -> Iterator[Call]:
    """Those of one file."""
    tree = ast.parse(source, file)
    constants = dict(_constants(tree))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in sorted(nodes, key=lambda node: node.lineno):
        if (speaker := _speaker(node.func)) is None:
            continue
        cause = next((word.value for word in node.keywords if word.arg == "cause"), None)
        call = Call(f"{file}:{node.lineno}", _says_text(node, speaker), cause is not None)
        for value in _alternatives(cause):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                call.identifiers.add(value.value)
            elif isinstance(value, ast.Name) and value.id in constants:
                call.identifiers.add(constants[value.id])
            elif ast.unparse(value) not in HANDED_ON and not ast.unparse(value).endswith(".cause"):
                call.unknown.append(ast.unparse(value))
        yield call


def _speaker(function: ast.expr) -> str | None:
    if isinstance(function, ast.Name):
        return function.id if function.id in SPEAKERS else None
    is_of_a_config = isinstance(function, ast.Attribute) and ast.unparse(function) == "file.problem"
    return "Problem" if is_of_a_config else None


def _says_text(node: ast.Call, speaker: str) -> bool:
    """Whether a sentence is in the call itself; a Problem that is handed on has its own identifier (mypy knows)."""
    if speaker == "Problem":
        return True
    said = [*node.args[SPEAKERS[speaker] :], *(word.value for word in node.keywords if word.arg == "message")]
    return any(isinstance(_each(argument), _TEXT) for argument in said)


def _each(argument: ast.expr) -> ast.expr:
    """An argument, or what `*(... for ...)` makes many of."""
    argument = argument.value if isinstance(argument, ast.Starred) else argument
    return argument.elt if isinstance(argument, ast.GeneratorExp) else argument


def _alternatives(value: ast.expr | None) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _alternatives(value.body)
        yield from _alternatives(value.orelse)
    elif value is not None:
        yield value


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of the module that stand for a text."""
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield name.id, value.value
