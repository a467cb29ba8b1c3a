"""What the documents tell people to type: each command is one that a test runs, or is marked as not run."""

from __future__ import annotations

import importlib
import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest
from pyinfra_cli.main import cli as pyinfra_cli

from cluster.__main__ import main as cluster_cli
from cluster.config import Config
from cluster.explanations import EXPLANATIONS
from lab.cli import cli as lab_cli
from openpai_deploy.__main__ import cli as console
from tests.unit.documents import DOCUMENTS, ROOT, Block, anchors, blocks, links

KEYS = {info.alias or name for name, info in Config.model_fields.items()}
# What .ci/run does, by way of `make test`.
MADE_BY_CI = {"test", "lint", "unit", "lab-tests", "setup", "packages"}
CHINESE = [document for document in DOCUMENTS if "zh" in document.relative_to(ROOT).as_posix()]


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@cache
def text_of(*patterns: str) -> str:
    """The sources that match, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(ROOT.glob(pattern)))


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def wrong_with(command: str) -> str | None:
    """Why `command` is not one that a test runs; None where it is."""
    words = shlex.split(re.sub(r"[\[\]|]", " ", command))
    program, *rest = words
    options = {word.partition("=")[0] for word in rest if word.startswith("--")}
    if program == "make":
        return None if set(rest) <= MADE_BY_CI else f"make {rest[0]} is run by no test"
    if program == "pyinfra":
        return _pyinfra(rest, options)
    if program == "pytest":
        unknown = options - set(re.findall(r'"(--[\w-]+)"', text_of("tests/hosts/conftest.py")))
        return f"{unknown} of pytest" if unknown or "tests/hosts" not in rest else None
    if program == "openpai-deploy":
        return _click(console, rest, options, text_of("tests/unit/test_wheel.py", "tests/unit/test_cluster_cli.py"))
    if words[:3] == ["python", "-m", "cluster"]:
        return _click(cluster_cli, rest[2:], options, text_of("tests/unit/test_cluster_*.py"))
    if words[:3] == ["python", "-m", "lab"]:
        return _click(
            lab_cli, rest[2:], options, text_of("tests/lab/*.py", "lab/rehearse.py", "tests/unit/test_lab*.py")
        )
    return f"nothing runs {program}"


def _pyinfra(words: list[str], options: set[str]) -> str | None:
    if unknown := options - options_of(pyinfra_cli):
        return f"pyinfra has no {unknown}"
    for key in re.findall(r"--data (\w+)=", " ".join(words)):
        if f'"{key}"' not in text_of("tasks/**/*.py"):
            return f"no task reads --data {key}"
    target = next(word for word in words if (word.endswith(".py") and "/" not in word) or word.startswith("tasks."))
    if target.endswith(".py"):
        return None if (ROOT / target).is_file() else f"no file {target}"
    module, _, name = target.rpartition(".")
    if not callable(getattr(importlib.import_module(module), name, None)):
        return f"no function {target}"
    room = module.split(".")[1]
    of_the_room = text_of(f"tests/lab/test_{room}*.py", f"tests/plan/test_{room}*.py")
    run = target in text_of("tests/lab/*.py", "tests/plan/*.py", "lab/*.py") or f'"{name}"' in of_the_room
    return None if run else f"no test runs {target}"


def _click(cli: click.Command, words: list[str], options: set[str], tests: str) -> str | None:
    assert isinstance(cli, click.Group)
    for verb in [word for word in words if word in cli.commands] or words[:1]:
        if verb not in cli.commands:
            return f"no verb {verb}"
        if isinstance(cli.commands[verb], click.Group):
            return _click(cli.commands[verb], words[words.index(verb) + 1 :], options, tests)
        if unknown := options - options_of(cli.commands[verb]) - options_of(cli):
            return f"{verb} has no {unknown}"
        if not re.search(rf'["\' .]{verb}["\'( ]', tests):
            return f"no test runs {verb}"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_command_is_run_by_a_test_or_marked(document: Path) -> None:
    wrong = [
        f"{block}: {command}: {why}"
        for block in blocks(document)
        if not block.marked
        for command in block.commands()
        if (why := wrong_with(command))
    ]
    assert wrong == [], "mend the command, or put `<!-- not run: REASON -->` before its block"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for path, anchor in links(document):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name}: no {path}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name}: no heading #{anchor} in {target.name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_key_in_a_block_is_one_of_the_config(document: Path) -> None:
    for block in blocks(document):
        keys = [found[1] for line in block.lines if (found := re.match(r"([a-z][\w-]*): ", line))]
        if len(keys) == len([line for line in block.lines if line]) and not block.marked and _of_config(block):
            assert set(keys) <= KEYS, f"{block}: {set(keys) - KEYS}"


def _of_config(block: Block) -> bool:
    """Rather than of another file, or what a program has printed: its first line has a key of ours."""
    return block.lines[0].partition(":")[0] in KEYS


@pytest.mark.parametrize("document", CHINESE, ids=_name)
def test_the_chinese_documents_name_what_there_is(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    keys = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", text)) - {"known_hosts"}
    assert keys <= KEYS, keys - KEYS
    identifiers = set(re.findall(r"^\| `([a-z]+(?:-[a-z]+)+|[a-z]+)` \|", text, re.M))
    identifiers |= set(re.findall(r"\[([a-z]+(?:-[a-z]+)*)\](?!\()", text))
    assert identifiers <= set(EXPLANATIONS), identifiers - set(EXPLANATIONS)


def test_the_chinese_documents_say_what_the_english_ones_do() -> None:
    """The same commands in both front doors, in the same order."""
    both = [
        [one for block in blocks(ROOT / name) for one in block.commands()] for name in ("README.md", "README.zh-CN.md")
    ]
    assert both[0] == both[1] != []


def test_a_command_that_nothing_runs_is_found() -> None:
    assert wrong_with("python -m cluster chek inventories/prod") == "no verb chek"
    assert wrong_with("python -m cluster init prod --worker w --wrong x") == "init has no {'--wrong'}"
    assert (
        wrong_with("pyinfra inventories/prod.py tasks.kubernetes.snapshoot") == "no function tasks.kubernetes.snapshoot"
    )
    assert wrong_with("pyinfra inventories/prod.py deploy.py --data alow=yes") == "no task reads --data alow"
    assert wrong_with("make lemonade") == "make lemonade is run by no test"
    assert wrong_with("kubectl get nodes") == "nothing runs kubectl"
    assert wrong_with("pyinfra inventories/prod.py deploy.py --dry --diff") is None
