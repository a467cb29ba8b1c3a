"""Shells kept open over real sshd and sudo: they say what plain commands say, break for one host, and leave nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial

import pytest

from lab import commands
from lab.wait import wait_until
from tests.lab.harness import converged, new_lab, out, pyinfra

WORKER, OTHER = "openpai-001", "openpai-002"
HOSTS = ("dev-box", "openpai-master-01", WORKER, OTHER)
DEPLOYS = "tests/lab/deploys"
WAITS = "touch /run/waits; until [ -e /run/go ]; do sleep 0.1; done; echo went on"
HANGS = "sleep 4321 & sleep 4321; :"


@pytest.fixture(scope="module")
def lab():
    """Bare Debian 12 hosts, one with Debian 13's sshd and sudo; Docker and time only."""
    with new_lab("shells", workers=2, suites={OTHER: "trixie"}) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


@pytest.fixture
def impatient(lab):
    """A command is given up after some seconds."""
    lab.configure(command_timeout=5)
    yield lab
    lab.configure(command_timeout=None)


def facts(lab, quick: bool) -> Counter[str]:
    """What a whole deploy reads of all hosts in a dry run: each fact with its value, and how often."""
    file = lab.folder / "facts.jsonl"
    file.unlink(missing_ok=True)
    lab.configure(quick_connection=quick)
    run = pyinfra(lab, "deploy.py", "--dry", "--data", f"facts={file}", file=f"{DEPLOYS}/noting_facts.py")
    assert run.status == 0, run.output
    return Counter(file.read_text().splitlines())


def changes(lab, quick: bool) -> tuple[list[str], Counter[str]]:
    """The operations that changed something in a whole deploy, and on how many occasions each host was changed."""
    lab.configure(quick_connection=quick)
    run = converged(lab)
    return run.changes(), Counter(re.findall(r"^\s+\[(\S+)\]\s+Success$", run.output, re.M))


# What a first run makes in the cluster folder.
OF_THE_FIRST_RUN = ("known_hosts", "id_ed25519", "id_ed25519.pub", "deployed.yaml")


def waits(lab, host: str) -> bool:
    """Whether the command WAITS runs on the host."""
    return lab.run(host, "test -e /run/waits").returncode == 0


def nothing_left(lab, host: str) -> bool:
    """Whether no shell has its folder on the host any more."""
    return lab.run(host, "ls -d /tmp/tmp.* || ls -d /dev/shm/tmp.*").returncode != 0


def same_facts(lab) -> None:
    """Asked one by one, in a kept shell, and ahead of time."""
    alone = facts(lab, quick=False)
    assert alone.total() > 20 and {json.loads(line)[0] for line in alone} == set(HOSTS)
    for name in HOSTS:
        (lab.folder / ".foresight" / f"{name}.json").unlink(missing_ok=True)
    for way in ("in a kept shell", "ahead of time"):
        found = facts(lab, quick=True)
        assert [*(found - alone)] == [*(alone - found)] == [], way
        assert (lab.folder / ".foresight" / f"{WORKER}.json").exists()


def test_a_whole_deploy_makes_the_same_changes_and_reads_the_same_facts(lab):
    same_facts(lab)
    kept = changes(lab, quick=True)
    same_facts(lab)
    lab.reset(*HOSTS)
    for name in OF_THE_FIRST_RUN:
        (lab.folder / name).unlink(missing_ok=True)
    assert changes(lab, quick=False) == kept
    assert set(kept[1]) == set(HOSTS)
    lab.configure(quick_connection=True)
    assert converged(lab).changed == 0


@pytest.mark.parametrize(("host", "number"), [(WORKER, 1000), (OTHER, 200)])
def test_random_commands_say_what_they_say_by_themselves(lab, host, number, tmp_path):
    report = tmp_path / "report.json"
    data = [f"number={number}", f"seed={number}", f"report={report}"]
    options = [word for pair in data for word in ("--data", pair)]
    run = pyinfra(lab, "--dry", "--limit", host, *options, file=f"{DEPLOYS}/same_answers.py")
    assert run.status == 0, run.output
    found = json.loads(report.read_text())
    assert found["different"] == []
    # One of root and one of the user; where a command had ended it, one more, and one that clears up.
    assert len(found["channels"]) == 2 + 2 * 2 * (number // 2 // 200), found["channels"]
    wait_until(partial(nothing_left, lab, host), 10)


@pytest.mark.parametrize("loss", ["the session is killed", "the network is gone"])
def test_a_connection_cut_in_the_middle_is_one_clear_error_for_that_host(lab, loss):
    log = lab.folder / "cut.log"
    for host in (WORKER, OTHER):
        out(lab, host, "rm -f /run/waits /run/go; rm -rf /tmp/tmp.* /dev/shm/tmp.*")
    lab.configure(command_timeout=20)
    argv = commands.pyinfra(lab, "-y", "--limit", WORKER, "--limit", OTHER, WAITS, file="server.shell")
    with log.open("w") as output, commands.start(argv, output) as process:
        try:
            for host in (WORKER, OTHER):
                wait_until(partial(waits, lab, host), 60)
            if loss == "the session is killed":
                out(lab, WORKER, "pkill -KILL -u paiadmin '^sshd'")
            else:
                out(lab, WORKER, "ip link set host0 down")
            out(lab, OTHER, "touch /run/go")
            status = process.wait(timeout=90)
        finally:
            process.kill()
            lab.configure(command_timeout=None)
            lab.run(WORKER, f"ip link set host0 up; ip route replace default via {lab.gateway}; touch /run/go")
    said = commands.Run(status, log.read_text())
    assert status == 1 and "Traceback" not in said.output, said.output
    expected = "the connection to the host was lost" if "session" in loss else "a command has not ended within 20 s"
    told = [line for line in said.lines(WORKER) if not re.search(r"] +(Connected|Ready: |Error: executed 0)", line)]
    assert len(told) == 1 and expected in told[0], told
    assert any(line.endswith("Success") for line in said.lines(OTHER)), said.output
    for host in (WORKER, OTHER):
        wait_until(partial(nothing_left, lab, host), 30)


def test_a_command_that_hangs_is_ended_with_all_that_it_started(impatient):
    run = pyinfra(impatient, "-y", "--limit", WORKER, HANGS, file="server.shell")
    assert run.status == 1
    assert [line for line in run.lines(WORKER) if "a command has not ended within 5 s" in line], run.output
    wait_until(lambda: impatient.run(WORKER, "pgrep -f 'sleep 432[1]'").returncode != 0, 10)
    wait_until(partial(nothing_left, impatient, WORKER), 10)
