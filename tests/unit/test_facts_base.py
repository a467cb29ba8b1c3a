"""The base of all facts: stray lines are ignored where they can be, and never more than one host's affair."""

import subprocess

import pytest
from pyinfra.api.exceptions import FactProcessError

from tasks.reach import Fact, parse_sections, probes, shell
from tests.sections import sections


class Number(Fact[int]):
    default = int

    def command(self, word):
        return probes(number=["printf", "%s", word], missing=["/nowhere/program"], more=shell('echo "$1"', word))

    def read(self, found):
        return int(found["number"])


GOOD = sections(number="7", missing="", more="7")


def test_the_command_of_a_fact_gives_its_answer():
    command = Number().command("7").get_raw_value()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=20)
    assert parse_sections(done.stdout.splitlines()) == parse_sections(GOOD) and done.stderr == ""


@pytest.mark.parametrize(
    "stray", [["Welcome!"], ["", "  *** Authorised use only ***", "@ home"], ["no newline at its end"]]
)
def test_what_a_login_shell_prints_is_ignored(stray):
    assert Number().process([*stray, *GOOD]) == Number().process([*GOOD, *stray]) == 7


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (sections(number="seven"), "ValueError: invalid literal"),
        (sections(other=""), "KeyError: 'number'"),
        (GOOD[:-1], "it was cut off"),
        (
            ["bash: warning: setlocale: LC_ALL: cannot change locale (xx_XX.UTF-8) " + "x" * 200],
            "begins with 'bash: warning",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(output, said):
    with pytest.raises(FactProcessError) as raised:
        Number().process(output)
    message = str(raised.value)
    assert message.startswith("Number: the answer cannot be read") and said in message
    assert "\n" not in message and len(message) < 250
    assert raised.value.__cause__ is None, "pyinfra shows a cause in the sentence's place"
