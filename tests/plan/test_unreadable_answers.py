"""Whole runs with hosts that print what nobody asked for: it is ignored, or ends the run of that one host."""

import io
import random
import re

import pytest
from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError
from pyinfra.connectors.fake import FakeConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from tasks import apt, docker, ssh, time
from tasks.reach import Fact, parse_sections, probes
from tests.plan.conftest import planned
from tests.sections import sections
from tests.unit.fact_samples import SAMPLES

GREETING, BROKEN, PLAIN = "@fake/openpai-001", "@fake/openpai-002", "@fake/openpai-003"
CHRONY = "0A070001,10.7.0.1,9,1700000000.1,0.000001,0.0,0.0,0.0,0.0,0.0,0.1,0.2,64.5,Normal"
ANSWERS = {
    frozenset(parse_sections(answer)): answer
    for answer in (
        *(sample.answer for sample in SAMPLES),
        sections(
            chrony="active", ntpsec="", ntp="", tracking=CHRONY, ntpq="",
            timesyncd="", timesync="", timesync_done="",
        ),
    )
}  # fmt: skip


class Hosts:
    """Hosts that answer facts as real ones do; one of them greets first, and some answer nothing sensible."""

    def __init__(self):
        self.broken = {BROKEN}
        self.chance = random.Random(7)

    def answer(self, connector, command):
        offered = re.search(r"madison -- (.*)", command)
        lines = ANSWERS.get(frozenset(re.findall(r"\bsection (\w+)", command)), [])
        if offered:
            offers = (f"{name} | 5:20.10.24~3-0 | http://mirror x/y amd64 Packages" for name in offered[1].split())
            lines = sections(offers="\n".join(offers))
        if connector.host.name == GREETING:
            lines = ["Welcome! Last login: never", *lines]
        elif connector.host.name in self.broken:
            lines = ["".join(self.chance.choices("@ {}=|:\x1b[0m7a", k=60)) for _ in range(9)]
        return True, CommandOutput([OutputLine("stdout", line) for line in lines])


@pytest.fixture
def hosts(monkeypatch):
    made = Hosts()
    monkeypatch.setattr(FakeConnector, "_lookup_response", lambda connector, command: made.answer(connector, command))
    return made


def stages():
    """The stages that every host goes through."""
    ssh.establish_trust()
    apt.go_through_proxy()
    time.synchronise()
    docker.install()


def failed(plan):
    return {each.name for each in plan.state.failed_hosts}


def test_a_greeting_is_ignored_and_a_host_that_makes_no_sense_fails_with_one_line(folder, hosts, caplog):
    with planned(folder, stages) as plan:
        assert failed(plan) == {BROKEN}
        assert plan.operations(GREETING) == plan.operations(PLAIN)
        assert "Docker | Options in daemon.json" in plan.operations(PLAIN)
        plan.run()
        assert failed(plan) == {BROKEN}
    errors = [record.message for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    assert [BROKEN in error for error in errors] == [True, True], "pyinfra adds a line with the fact's arguments"
    assert "Ssh: the answer cannot be read (ValueError: it was cut off), it begins with" in errors[0]
    assert "Traceback" not in caplog.text


def test_a_host_that_stops_making_sense_ends_no_run_but_its_own(folder, hosts, caplog):
    hosts.broken = set()
    with planned(folder, stages) as plan:
        assert failed(plan) == set()
        hosts.broken = {BROKEN}
        plan.run()
        assert failed(plan) == {BROKEN}
    assert "the answer cannot be read" in caplog.text and "Traceback" not in caplog.text


def test_the_last_host_that_stops_making_sense_ends_the_run_without_a_traceback(folder, hosts, capfd):
    hosts.broken = {BROKEN, "@fake/dev-box", "@fake/openpai-master-01", "@fake/openpai-004"}
    with planned(folder, stages) as plan:
        plan.state.active_hosts -= {plan.state.inventory.get_host(GREETING)}
        hosts.broken = {PLAIN}
        with pytest.raises(PyinfraError, match="No hosts remaining"):
            plan.run()
    assert "Traceback" not in capfd.readouterr().err


class Number(Fact[int]):
    """The number in a file."""

    default = int

    def command(self, path):
        return probes(number=["cat", path])

    def read(self, found):
        return int(found["number"])


@operation()
def raised(folder):
    """Have 8 in a host's file."""
    path = f"{folder}/{host.name}"
    if host.get_fact(Number, path=path) < 8:
        yield StringCommand(f"echo 8 >{path}")
        yield FileUploadCommand(io.StringIO("8"), f"{path}.uploaded")


def test_nothing_is_done_on_the_word_of_a_default_value(folder, tmp_path, caplog):
    files = {name: tmp_path / name for name in ("openpai-001", "openpai-002")}
    for file in files.values():
        file.write_text("7")

    def deploy():
        if host.name in files:
            raised(name="Raised", folder=tmp_path)

    with planned(folder, deploy, connector="cluster-local") as plan:
        files["openpai-002"].write_text("seven")
        plan.run()
        assert failed(plan) == {"openpai-002"}
    assert files["openpai-001"].read_text() == "8\n" and (tmp_path / "openpai-001.uploaded").read_text() == "8"
    assert files["openpai-002"].read_text() == "seven" and not (tmp_path / "openpai-002.uploaded").exists()
    assert "the answer cannot be read (ValueError" in caplog.text and "not run: the host has failed" in caplog.text
