"""Every fact, whatever a host answers and a caller gives: a value of its type or one sentence, and no other shell."""

from __future__ import annotations

import inspect
import subprocess
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError
from typing_extensions import get_original_bases

from tasks.reach import Fact, parse_sections
from tests.sections import sections
from tests.shell_text import refused
from tests.unit.every_fact import every_fact
from tests.unit.fact_samples import SAMPLES, Sample

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=str)
STRAY = ["Welcome to openpai-001!", "", "bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)", "a=b|c"]


def test_every_fact_has_the_base_and_a_sample_with_all_its_arguments():
    facts = every_fact()
    assert not [fact.name for fact in facts if not issubclass(fact, Fact)]
    assert {sample.fact for sample in SAMPLES} == facts, "each fact of tasks/ needs a sample in fact_samples.py"
    for sample in SAMPLES:
        parameters = inspect.signature(sample.fact.command).parameters.keys() - {"self", "master"}
        assert parameters == sample.arguments.keys() - {"master"}, sample


def holds(value: Any, hint: Any) -> bool:
    """True when `value` is of the type `hint`, dataclasses and containers with all that they hold."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if is_dataclass(hint):
        return type(value) is hint and all(
            holds(getattr(value, name), each) for name, each in get_type_hints(hint).items()
        )
    if origin in (Union, UnionType):
        return any(holds(value, each) for each in args)
    if origin in (dict, Mapping):
        return type(value) is dict and all(holds(k, args[0]) and holds(v, args[1]) for k, v in value.items())
    if origin is tuple and args[1:] != (...,):
        return type(value) is tuple and len(value) == len(args) and all(map(holds, value, args))
    if origin in (list, tuple, frozenset):
        return type(value) is origin and all(holds(each, args[0]) for each in value)
    return isinstance(value, hint) if hint not in (int, float) else type(value) in (int, hint)


def value_of(sample: Sample, output: list[str]) -> Any:
    """What the fact makes of `output`: a value of its type, whose properties can be read, or None for its refusal."""
    try:
        value = sample.fact().process(output)
    except FactProcessError as error:
        assert "\n" not in str(error)
        return None
    assert holds(value, get_args(get_original_bases(sample.fact)[0])[0]), value
    for name, member in inspect.getmembers(type(value)):
        if isinstance(member, property):
            getattr(value, name)
    return value


@each_sample
def test_a_good_answer_is_read_with_stray_lines_before_and_after(sample):
    value = value_of(sample, sample.answer)
    assert value is not None
    assert value_of(sample, [*STRAY, *sample.answer]) == value_of(sample, [*sample.answer, *STRAY]) == value


@each_sample
def test_an_answer_cut_off_is_refused(sample):
    whole = "\n".join(sample.answer)
    end = whole.rindex("@@ end")
    for length in {*range(0, end, 1 + end // 200), end}:
        assert value_of(sample, whole[:length].splitlines()) is None


@each_sample
def test_a_stray_line_in_between_is_one_hosts_affair(sample):
    for place in range(0, len(sample.answer), 1 + len(sample.answer) // 40):
        value_of(sample, [*sample.answer[:place], *STRAY, *sample.answer[place:]])


# Words and marks that parsers look for, and the bytes that a broken terminal or a binary file leaves.
WORDS = (
    "active",
    "1",
    "-1",
    "1e400",
    "nan",
    "=",
    "|",
    "||||",
    "\n",
    " ",
    ":",
    "{",
    '{"items": [7]}',
    "null",
    "10.0.0.1/99",
)
TEXT = st.one_of(
    st.text(alphabet="=|: \n,.0123456789abc-\"'{}[]/@\0\x1b\u2028", max_size=50),
    st.lists(st.sampled_from(WORDS), max_size=10).map("".join),
)


@each_sample
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_random_answer_is_one_hosts_affair(sample, data):
    real = parse_sections(sample.answer)
    name, place = data.draw(st.sampled_from(sorted(real))), data.draw(st.integers(0, len(sample.answer) - 1))
    value_of(sample, sections(**{**real, name: data.draw(TEXT)}))
    value_of(sample, sections(**{name: data.draw(TEXT) for name in real}))
    value_of(sample, [*sample.answer[:place], *data.draw(TEXT).splitlines(), *sample.answer[place + 1 :]])
    value_of(sample, data.draw(TEXT).splitlines())


HOSTILE = [
    "'; touch PWNED; echo '",
    '"; touch PWNED; echo "',
    "-n $(touch PWNED) `touch PWNED`; touch PWNED\ntouch PWNED\n",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Where programs are found: those that take long, or would ask somebody, only show their arguments."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("apt-cache", "docker", "dpkg-query", "git", "gpg", "kubectl", "systemctl"):
        (folder / name).write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def texts(sample: Sample) -> list[str]:
    """The names of the fact's arguments that are text or a list of texts."""
    return [name for name, value in sample.arguments.items() if isinstance(value, str | list)]


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if texts(sample)], ids=str)
def test_no_argument_is_taken_for_shell(sample, path, tmp_path):
    for hostile in HOSTILE:
        changed = {
            name: hostile if isinstance(sample.arguments[name], str) else [hostile, "-x"] for name in texts(sample)
        }
        done = subprocess.run(
            ["sh", "-c", sample.command(**changed)], capture_output=True, text=True, cwd=tmp_path, timeout=30,
            stdin=subprocess.DEVNULL, env={"PATH": path},
        )  # fmt: skip
        assert not list(tmp_path.iterdir()), hostile
        assert (done.returncode, done.stderr) == (0, "") and "end" in parse_sections(done.stdout.splitlines())


@each_sample
def test_every_command_is_shell(sample):
    assert refused(sample.command()) == ""
