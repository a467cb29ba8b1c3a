"""The host layer on a lab of three Debian releases: dry run, first run, second run, verification, secrets."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

from lab import commands
from lab.settings import PROJECT
from tests.lab.boots import boot_id, booted_after
from tests.lab.docker_host import DAEMON_JSON, restarts
from tests.lab.harness import channels, converged, interrupted_when, new_lab, out, pyinfra

WORKER = "openpai-001"
HOSTS = ["dev-box", "openpai-master-01", WORKER, "openpai-002"]
# Files that any login, sudo or timer changes.
VOLATILE = "^/(proc|sys|dev|run|tmp|var/log|var/lib/(systemd|private)|var/tmp)/|/sudo/|/.sudo_as_admin_successful$"


@pytest.fixture(scope="module")
def lab():
    """Dev box and master of Debian 12, one worker each of Debian 11 and 13; Docker and time only."""
    with new_lab("layer", workers=2, suites={"openpai-001": "bullseye", "openpai-002": "trixie"}) as made:
        made.configure(installer="none", gpu_type="none", worker_default_docker_runtime="runc")
        yield made


@pytest.fixture(scope="module")
def password(lab):
    """The config's password."""
    return yaml.safe_load((lab.folder / "config.yaml").read_text())["password"]


@pytest.fixture(scope="module")
def dry(lab):
    """A dry run against the bare hosts, and the files that it changed there."""
    for host in HOSTS:
        out(lab, host, "sync; sleep 0.1; touch /root/.marker; sleep 0.1")
    run = pyinfra(lab, "--dry", "--diff")
    assert run.status == 0, run.output
    return run, {host: _changed_files(lab, host) for host in HOSTS}


@pytest.fixture(scope="module")
def first(lab, dry, password):
    """The first real run, with every command line and environment on the machine sampled for the password."""
    with Sampler(password) as sampler:
        run = converged(lab, "--debug")
    return run, sampler


def _changed_files(lab, host):
    return out(lab, host, f"find / -xdev -newer /root/.marker -type f 2>/dev/null | grep -Ev '{VOLATILE}' || :").split()


class Sampler:
    """Looks at every process of the machine, the lab hosts' among them, for a secret, ten times a second."""

    def __init__(self, secret: str):
        self.secret, self.samples = secret.encode(), 0
        self.found: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.1):
            self.samples += 1
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    self._read(process)

    def _read(self, process):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            if self.secret in content:
                self.found.add(content.replace(b"\0", b" ").decode(errors="replace")[:200])


def test_a_dry_run_changes_nothing(dry):
    _, changed = dry
    assert changed == {host: [] for host in HOSTS}


def test_a_dry_run_lists_what_the_first_run_does(dry, first):
    planned, done = dry[0].changes(), first[0].changes()
    assert set(done) <= set(planned)
    # The plan may name what is settled meanwhile: a fresh daemon has its configuration, a clock has come right.
    settled = {"Docker | Docker runs with its configuration", "Synchronised clocks | Every clock is synchronised"}
    assert set(planned) - set(done) <= settled


def test_a_dry_run_shows_the_text_of_files(dry):
    for text in (
        '+     "live-restore": true',
        "+ Suites: trixie",
        "+ server 10.77.",
        "NOPASSWD",
        "(a key that this run will make)",
    ):
        assert text in dry[0].output


def test_the_password_is_in_no_process(first):
    assert first[1].samples > 20
    assert first[1].found == set()


def test_the_password_is_in_no_output_and_no_file(lab, first, password):
    assert "Running command on" in first[0].output, "the run was to be made with --debug"
    assert password not in first[0].output
    hits = subprocess.run(
        ["grep", "-rlF", "--exclude=state.json", "--", password, lab.state.directory, "/tmp", str(PROJECT)],
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    # Found twice where the checkout itself is under /tmp.
    assert set(hits) == {str(lab.folder / "config.yaml")}


def test_a_second_run_changes_nothing(lab, first):
    before = {host: _traces(lab, host) for host in HOSTS}
    run = converged(lab)
    assert run.changed == 0, run.output
    assert {host: _traces(lab, host) for host in HOSTS} == before


def test_a_run_without_changes_takes_five_commands_a_host(lab, first):
    """What earlier runs asked is asked in one command; switched off, each fact takes its own. Nothing changes."""
    taken = channels(lab)
    assert 2 <= min(taken.values()) <= max(taken.values()) <= 5, taken
    lab.configure(quick_connection=False)
    try:
        assert channels(lab)[HOSTS[-1]] > 20
    finally:
        lab.configure(quick_connection=True)


def _traces(lab, host):
    """What a restart or a refresh of the package index (which touches its files even when nothing is new) changes."""
    units = "docker.service containerd.service ssh.service ntpsec.service ntp.service"
    return (
        out(lab, host, f"systemctl show -p ActiveEnterTimestamp,InvocationID {units}"),
        out(lab, host, "stat -c '%n %.Z' /var/lib/apt/lists /var/lib/apt/lists/*"),
    )


def test_a_dry_run_of_converged_hosts_lists_no_change(lab, first):
    run = pyinfra(lab, "--dry", "--diff")
    assert run.changes() == []


def test_a_run_that_gets_ctrl_c_says_so_and_the_next_is_well(lab, first):
    """As people see it, and as reports/ keeps it."""
    lab.configure(docker_log_max_file=8)
    reports = PROJECT / "reports" / lab.folder.name
    try:
        ended = interrupted_when(lab, lambda: lab.run(WORKER, f"grep -q '\"8\"' {DAEMON_JSON}").returncode == 0)
        assert ended.status == 130, ended.output
        assert "interrupted; run the same again: nothing is half done" in ended.output, ended.output
        assert json.loads((reports / "deploy.json").read_text())["status"] == 130
        before = restarts(lab, WORKER)
        run = pyinfra(lab, "-y", output="")
        assert run.status == 0 and restarts(lab, WORKER) != before, run.output
        last = run.output.splitlines()[-25:]
        assert f"== {lab.folder.name}: 4 of 4 hosts well" in "\n".join(last), run.output
        assert len(run.output.splitlines()) < 60, "what did not change has no line"
        assert json.loads((reports / "deploy.json").read_text())["hosts"][WORKER]["stages"]["Docker"] == "changed"
        assert commands.logged(lab, run.status).changed > 0
        assert converged(lab).changed == 0
    finally:
        lab.configure(docker_log_max_size=None, docker_log_max_file=None)


def test_the_verification_passes(lab, first, tmp_path):
    verification = commands.verification(lab, "-p", "no:cacheprovider", "--report-dir", str(tmp_path))
    done = commands.run(verification)
    assert done.status == 0, done.output
    assert (tmp_path / "verify.xml").stat().st_size and (tmp_path / "verify.html").stat().st_size


def test_without_the_password_the_cluster_is_still_reached(lab, first, password):
    lab.configure(password=None)
    try:
        assert converged(lab).changed == 0
    finally:
        lab.configure(password=password)


def test_every_host_comes_back_converged_from_a_reboot(lab, first):
    before = {host: boot_id(lab, host) for host in HOSTS}
    for host in HOSTS:
        lab.run(host, "systemctl --no-block reboot")
    for host in HOSTS:
        booted_after(lab, host, before[host])
    # The clock takes a while to be trusted again; waiting for it is all that a run may have to do.
    assert set(converged(lab).changes()) <= {"Synchronised clocks | Every clock is synchronised"}
    assert converged(lab).changed == 0
