"""`python -m cluster explain`: what an identifier stands for, near ones for a wrong one, and all of them by area."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cluster.__main__ import main
from cluster.config import Config
from cluster.explanations import AREAS, EXPLANATIONS, explained, listed
from tasks.preflight.verdict import REQUIREMENTS
from tests.unit.cluster_folder import C, W, write
from tests.unit.documents import ROOT
from tests.unit.test_cluster_cli import run

# Words with a _ that are no keys: of --data, of the kernel's command line, and of secrets.yaml.
OTHERS = {
    "allow_disruption",
    "delete_data",
    "leave_out",
    "removed_apis",
    "skip_requirements",
    "cgroup_enable",
    "unified_cgroup_hierarchy",
    "admin_password",
}


def test_every_requirement_is_explained_in_the_order_of_the_document() -> None:
    preflight = next(area for area in AREAS if area.title == "Preflight")
    assert list(preflight.entries) == [one.id for one in REQUIREMENTS]


def test_the_keys_and_commands_that_are_named_exist() -> None:
    known = {name for key, info in Config.model_fields.items() for name in (key, info.alias)} | OTHERS
    words = " ".join(f"{each.seen} {each.why} {each.remedy}" for each in EXPLANATIONS.values())
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", re.sub(r"\btasks\.\S+|--data \w+=", "", words)))
    assert named - known == set()
    tasks = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tasks").rglob("*.py"))
    data = set(re.findall(r"--data (\w+)=", words))
    assert [key for key in data if f'"{key}"' not in tasks] == [] != data
    for command in set(re.findall(r"\btasks\.\w+\.\w+", words)):
        module, _, name = command.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name, None)), command


def test_one_is_said_as_a_message_writes_it_too() -> None:
    one = run("explain", "gpu-driver")
    assert one.exit_code == 0 and one.output.startswith("gpu-driver\n  why:  ") and "\n  do:   " in one.output
    assert run("explain", "[gpu-driver]").output == one.output
    assert run("explain", "csv-name").output.startswith("csv-name\n  seen: capital letters")


def test_all_are_listed_by_area() -> None:
    every = run("explain")
    lines = every.output.splitlines()
    assert every.exit_code == 0 and len([line for line in lines if line.startswith("  ")]) == len(EXPLANATIONS)
    assert [line for line in lines if line and not line.startswith(" ")] == [area.title for area in AREAS]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_no_line_is_over_the_terminals_width(width: int) -> None:
    for text in (listed(width), *(explained(name, width) for name in EXPLANATIONS)):
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gpu-drivr", "nothing is called gpu-drivr; did you mean gpu-driver, "),
        ("xyz", "nothing is called xyz; python -m cluster explain lists them"),
    ],
)
def test_another_word_is_refused(word: str, said: str) -> None:
    result = run("explain", word)
    assert result.exit_code == 1 and said in result.stderr and result.stderr.count("\n") == 1


def test_the_shell_completes_identifiers() -> None:
    completion = ShellComplete(main, {}, "cluster", "_CLUSTER_COMPLETE")
    assert [one.value for one in completion.get_completions(["explain"], "csv-n")] == ["csv-no-host", "csv-name"]


def test_what_check_says_ends_with_an_identifier(tmp_path: Path) -> None:
    folder = write(tmp_path / "bad", {W: "A,10.0.0.1\n", C: "user: a\nusr: b\n"})
    said = run("check", folder).stdout.splitlines()
    assert [line[line.rindex(" [") + 2 : -1] for line in said] == ["key-unknown", "csv-name"]
    found = json.loads(run("check", folder, "--json").stdout)["problems"]
    assert [one["id"] for one in found] == ["key-unknown", "csv-name"]
