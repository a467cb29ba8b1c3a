"""What the verification says at its end: equal failures of many hosts are one paragraph."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.outcomes import ERROR, FAILED, PASSED, SKIPPED, Outcome, causes, left_out, wrapped
from tests.unit.hosts_fleet import Fleet, fault, verify


def failed(number: int, test: str, said: str, outcome: str = FAILED) -> Outcome:
    return Outcome(f"w-{number:02}", f"10.0.1.{number}", test, outcome, f"w-{number:02}{said}")


def test_equal_failures_of_many_hosts_are_one() -> None:
    outcomes = [
        failed(n, test, ": found no proxy; run the deploy") for n in range(1, 20) for test in ("test_a", "test_b")
    ]
    assert [str(cause) for cause in causes(outcomes)] == [
        "FAILED w-[01-19]: found no proxy; run the deploy (test_a, test_b)"
    ]


def test_a_host_s_own_name_and_address_make_no_other_cause() -> None:
    outcomes = [failed(n, "test_a", f" (10.0.1.{n}): no route to 10.0.1.{n}; check w-{n:02}", ERROR) for n in (1, 2)]
    assert [str(cause) for cause in causes(outcomes)] == [
        "ERROR w-[01-02] (ADDRESS): no route to ADDRESS; check HOST (test_a)"
    ]
    assert [str(cause) for cause in causes(outcomes[:1])] == [
        "ERROR w-01 (10.0.1.1): no route to 10.0.1.1; check w-01 (test_a)"
    ]


def test_errors_come_first_and_the_rest_in_the_order_of_the_tests() -> None:
    outcomes = [
        failed(2, "test_a", ": one"), failed(1, "test_b", ": two"), failed(1, "test_c", ": three", ERROR),
        Outcome("w-03", "", "test_a", PASSED),
        Outcome("w-03", "", "test_b", SKIPPED, "not asked: w-03 gives no answer"),
        Outcome("", "", "test_cluster", FAILED, "openpai.yml (0644); needed 0600"),
    ]  # fmt: skip
    assert [str(cause) for cause in causes(outcomes)] == [
        "ERROR w-01: three (test_c)", "FAILED w-02: one (test_a)", "FAILED w-01: two (test_b)",
        "FAILED the cluster: openpai.yml (0644); needed 0600 (test_cluster)",
    ]  # fmt: skip
    assert left_out(outcomes, ["w-03"]) == ["1 tests were not run: w-03 gives no answer"]
    assert left_out(outcomes[:3], []) == []


def test_many_tests_are_counted() -> None:
    (cause,) = causes([failed(1, f"test_{n}", ": dead") for n in range(7)])
    assert str(cause) == "FAILED w-01: dead (test_0, test_1, test_2 and 4 more)"


def test_what_another_host_is_to_blame_for_keeps_that_name() -> None:
    outcomes = [Outcome(f"w-{n}", "", "test_node", ERROR, "dev-box: found no API") for n in (1, 2)]
    assert [str(cause) for cause in causes(outcomes)] == ["ERROR w-[1-2]: dev-box: found no API (test_node)"]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    line = (
        "FAILED openpai-[001-018,020]: found containerd.io 1.6.20-1 not held; needed a hold, so that 升级不会重启它 (x)"
    )
    lines = wrapped(line, width)
    assert max(len(each) + sum(char > "\u2e80" for char in each) for each in lines) <= width
    assert "".join("".join(lines).split()) == "".join(line.split())
    assert wrapped(line, None) == [line]


@pytest.fixture(scope="module")
def dead_dev_box(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A run in which the dev box and a worker are down."""
    said = "ssh: connect to host 10.0.0.1 port 22: Connection timed out\n"
    dead = [fault("dev-box", ""), fault("w-1", ""), fault("w-2", "")]
    for one in dead[:2]:
        object.__setattr__(one, "refused", said)
    return verify(tmp_path_factory.mktemp("dead"), dead)


def test_a_dead_dev_box_is_one_error_for_all_hosts(dead_dev_box: Fleet) -> None:
    assert {host: len(found) for host, found in dead_dev_box.failures.items()} == {"dev-box": 1, "w-1": 1}
    assert dead_dev_box.left_out["w-2"] == {
        "test_dev_box_logs_in_without_a_password": "not asked: dev-box gives no answer"
    }
    (said,) = [line for line in dead_dev_box.result.stdout.splitlines() if line.startswith(("ERROR", "FAILED"))]
    assert said.startswith("ERROR dev-box, w-1 (ADDRESS): ssh: connect to host 10.0.0.1 port 22: Connection timed out;")
    assert "tests were not run: dev-box, w-1 gives no answer" in dead_dev_box.result.stdout


def test_every_test_is_in_the_junit_report(dead_dev_box: Fleet) -> None:
    assert dead_dev_box.ran["w-1"] == dead_dev_box.ran["w-2"]
    assert (dead_dev_box.reports / "verify.xml").is_file() and Path(dead_dev_box.reports / "verify.html").is_file()
