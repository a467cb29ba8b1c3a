"""The parts of the verification: the script that carries probes, the choice of hosts, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import Cluster, Config, Host, Role
from tests.hosts import report, targets, test_security
from tests.hosts.connections import Connections, check_credentials
from tests.hosts.containers import container_probe
from tests.hosts.packages import expect_held
from tests.hosts.probes import KILLED, TIMED_OUT, Answer, Probe, RunAs, answers, script
from tests.hosts.snapshots import Snapshots
from tests.hosts.targets import read
from tests.unit.hosts_fleet import CONFIG, PROJECT, make_cluster

STUCK_TIMEOUT = """\
#!/bin/sh
case "$*" in *stuck*) echo $$ >"$STUCK"; exec sleep 60 ;; esac
exec /usr/bin/timeout "$@"
"""


def run(*probes: Probe, path: Path | None = None, as_root: bool = False) -> dict[str, Answer]:
    """Ask this machine, as a host would be asked."""
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    command = ["sh", "-c", script(probes, as_root)]
    result = subprocess.run(command, capture_output=True, env=environment, check=True)
    return answers(probes, result.stdout)


def probe(name: str, command: str, seconds: int = 10) -> Probe:
    return Probe(name, command, seconds)


def test_answers_keep_status_and_both_outputs() -> None:
    found = run(
        probe("quotes", """printf '%s' "it's $((1 + 1))"; echo no >&2; exit 3"""),
        probe("empty", "true"),
        probe("like the protocol", "echo '=probe= 1 0 9 9'; printf 'no newline'"),
        probe("not text", r"printf '\377\n'"),
    )
    quotes = found["quotes"]
    assert (quotes.status, quotes.out, quotes.err, quotes.ok) == (3, "it's 2", "no", False)
    assert quotes.problem == "exit status 3: no"
    assert (found["empty"].status, found["empty"].out, found["empty"].err) == (0, "", "")
    assert found["like the protocol"].out == "=probe= 1 0 9 9\nno newline"
    assert found["not text"].out == "\ufffd"


def test_commands_that_hang_hold_up_no_other(tmp_path: Path) -> None:
    """Among them one as nvidia-smi in the kernel: timeout(1) itself never returns."""
    stub = tmp_path / "timeout"
    stub.write_text(STUCK_TIMEOUT)
    stub.chmod(0o755)
    asked = (
        probe("hangs", "sleep 60", 1), probe("deaf", "trap '' TERM; sleep 60; sleep 60", 1),
        probe("stuck", "echo stuck", 1), probe("well", "echo well", 1),
    )  # fmt: skip
    text = script(asked, as_root=False).replace('PATH="/usr/local', f'PATH="{tmp_path}:/usr/local')
    started = tmp_path / "stuck"
    # Whoever waited for one of them would wait its minute; a busy machine takes ten seconds for the limits of one.
    result = subprocess.run(
        ["sh", "-c", text], capture_output=True, env={**os.environ, "STUCK": str(started)}, check=True, timeout=40
    )
    os.kill(int(started.read_text()), 9)
    found = answers(asked, b"Welcome\n" + result.stdout)  # as a login shell greets
    assert found["hangs"].status == TIMED_OUT and found["deaf"].status == KILLED and found["well"].out == "well"
    assert found["stuck"].timed_out
    assert {found[name].problem for name in ("hangs", "deaf", "stuck")} == {"no answer within 1 s"}


def test_nothing_is_left_on_the_host(tmp_path: Path) -> None:
    text = script((probe("any", "echo"),), as_root=False)
    subprocess.run(["sh", "-c", text], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, check=True)
    assert list(tmp_path.iterdir()) == []


def test_root_script_goes_to_sudo_by_standard_input(tmp_path: Path) -> None:
    for name, text in (("id", "echo 1000"), ("sudo", 'echo "$*" >"$0.called"; shift 3; exec "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    assert run(probe("any", "echo well"), path=tmp_path, as_root=True)["any"].out == "well"
    assert (tmp_path / "sudo.called").read_text() == "-n -H -- sh\n"


def test_cut_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="no answer to 'second'"):
        answers((probe("first", ""), probe("second", "")), b"=probe= 0 0 0 0\n")


def test_long_words_are_cut() -> None:
    problem = Answer(probe("any", ""), 1, "", f"{'x' * 1000} the cause").problem
    assert len(problem) < 450 and problem.endswith("the cause")


def test_a_container_that_hangs_is_removed(tmp_path: Path) -> None:
    """Deaf to SIGTERM, as docker is that hands it on to a container which does not listen."""
    answer, calls = docker_says(tmp_path, 'trap "" TERM; [ $1 != run ] || { sleep 2; sleep 60; }')
    inspected, ran, removed = calls
    name = ran.split()[3]
    assert answer.problem == "no answer within 1 s"
    assert (inspected, ran) == ("image inspect image", f"run --rm --name {name} image nvidia-smi -L")
    assert removed == f"rm -f {name}"


def test_an_image_is_pulled_before_its_time_counts(tmp_path: Path) -> None:
    answer, calls = docker_says(tmp_path, "case $1 in image) exit 1 ;; pull) sleep 1.2 ;; run) echo well ;; esac")
    assert answer.out == "well" and calls[1] == "pull -q image"


def test_an_image_that_is_nowhere(tmp_path: Path) -> None:
    answer, calls = docker_says(tmp_path, "[ $1 = run ] || { echo manifest unknown >&2; exit 1; }")
    assert "manifest unknown docker pull image failed" in answer.problem and len(calls) == 2


def docker_says(folder: Path, script: str) -> tuple[Answer, list[str]]:
    """The answer of a container probe where docker is `script`, and how docker was called."""
    (folder / "docker").write_text(f'#!/bin/sh\necho "$*" >>"$0.log"\n{script}\n')
    (folder / "docker").chmod(0o755)
    question = container_probe("container", "image", "nvidia-smi", "-L", seconds=1)
    answer = run(replace(question, command=f"PATH={folder}:$PATH; {question.command}"))["container"]
    return answer, (folder / "docker.log").read_text().splitlines()


@pytest.mark.parametrize(("found", "fits"), [("5:20.10.24~3-0~debian", True), ("20.10", True), ("5:20.1-1", False),
                                             ("5:20.100.1", False), ("5:120.10", False)])  # fmt: skip
def test_version_or_its_beginning(tmp_path: Path, found: str, fits: bool) -> None:
    target = read(str(make_cluster(tmp_path, ["w-1"])), "worker")[0]
    said = {"packages": f"docker-ce {found} installed", "holds": "docker-ce"}
    heard = {name: Answer(probe(name, ""), 0, out, "") for name, out in said.items()}
    if fits:
        expect_held(target, heard, "docker-ce", "20.10")
    else:
        with pytest.raises(pytest.fail.Exception, match=r"needed version 20\.10;"):
            expect_held(target, heard, "docker-ce", "20.10")


def test_the_hosts_of_a_check(tmp_path: Path) -> None:
    def names(predicate: targets.Applies, config: str = "") -> list[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        found = read(str(make_cluster(folder, ["w-1"], CONFIG + config)), None)
        return [target.name for target in found if predicate(target.cluster, target.host)]

    dev_box, master, worker = "dev-box", "openpai-master-01", "w-1"
    assert names(targets.docker_hosts) == [dev_box, master, worker]
    assert names(targets.docker_hosts, "installer: none\n") == [dev_box, worker]
    assert names(targets.docker_package_hosts) == [dev_box, master, worker]  # docker_version is set
    unset = Config.model_validate({"user": "a"})
    described = Cluster(tmp_path, Host(dev_box, "10.0.0.10", Role.DEV_BOX), (), (), unset)
    assert not targets.docker_package_hosts(described, described.dev_box)
    assert names(targets.ntp_hosts) == [dev_box, master, worker]
    assert names(targets.ntp_hosts, "ntp_hosts: master\n") == [master]
    assert names(targets.nvidia_workers) == [worker]
    assert names(targets.nvidia_workers, "gpu_type: amd\n") == []
    assert names(targets.masters_and_workers) == [master, worker]


def test_inventory_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = make_cluster(tmp_path, ["w-1"])
    monkeypatch.chdir(tmp_path)
    for name, words in (
        (None, "say which cluster"),
        ("nowhere.py", "not an inventory file; name the .py file"),
        ("fleet", "not an inventory file; did you mean fleet.py?"),
        ("fleet/", "not an inventory file; did you mean fleet.py?"),
    ):
        with pytest.raises(pytest.UsageError, match=words.replace("?", r"\?")):
            read(name, None)
    (tmp_path / "other.py").touch()
    with pytest.raises(pytest.UsageError, match="cluster folder other does not exist; make it with: python -m cluster"):
        read("other.py", None)
    (tmp_path / "fleet" / "worker.csv").write_text("w-1\n")
    with pytest.raises(pytest.UsageError, match=r"worker\.csv:1: "):
        read(str(inventory), None)


@pytest.mark.parametrize("missing", ["id_ed25519", "known_hosts"])
def test_a_cluster_that_was_never_deployed(tmp_path: Path, missing: str) -> None:
    inventory = make_cluster(tmp_path, ["w-1"])
    (tmp_path / "fleet" / missing).unlink()
    with pytest.raises(pytest.UsageError, match=r"run the deploy first: `pyinfra .*fleet\.py deploy\.py`"):
        check_credentials(read(str(inventory), None))


def test_ssh_is_strict_and_asks_nothing(tmp_path: Path) -> None:
    found = read(str(make_cluster(tmp_path, ["w-1"], CONFIG + "ssh_port: 2222\n")), None)
    Connections(tmp_path).open(found[1:], found[0])
    command = ["ssh", "-G", "-F", str(tmp_path / "ssh_config"), "w-1"]
    options = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {
        "hostname 10.0.1.1", "port 2222", "user paiadmin", "batchmode yes", "stricthostkeychecking true",
        "identitiesonly yes", f"identityfile {tmp_path}/fleet/id_ed25519",
        f"userknownhostsfile {tmp_path}/fleet/known_hosts", "globalknownhostsfile /dev/null",
    } <= set(options)  # fmt: skip


def test_a_local_dev_box_is_asked_here(tmp_path: Path) -> None:
    config = CONFIG.replace("dev_box: 10.0.0.10", "dev_box: '@local'")
    dev_box = read(str(make_cluster(tmp_path, ["w-1"], config)), "dev_box")[0]
    check_credentials([dev_box])
    said = Connections(tmp_path).ask(dev_box, [Probe("any", "echo here", run_as=RunAs.USER)])
    assert said["any"].out == "here"


def test_readable_secrets_in_the_cluster_folder(tmp_path: Path) -> None:
    found = read(str(make_cluster(tmp_path, ["w-1"])), None)
    rendered = tmp_path / "fleet" / "openpai.yml"
    rendered.write_text("registry: {password: fleet-t0ken}")
    with pytest.raises(AssertionError, match=r"openpai\.yml \(0644\); needed mode 0600"):
        test_security.test_cluster_folder_keeps_its_secrets(found)
    rendered.chmod(0o600)
    test_security.test_cluster_folder_keeps_its_secrets(found)


def test_usage_errors_are_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "tests/hosts", "--inventory", f"{tmp_path}/no.py"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    wrong = f"--inventory {tmp_path}/no.py: not an inventory file; name the .py file"
    assert result.stderr.strip() == f"ERROR: {wrong}"


def test_all_hosts_have_answered_before_the_first_test(tmp_path: Path) -> None:
    """pytest changes its environment for each test, under the feet of a process that starts in that moment."""
    hosts = read(str(make_cluster(tmp_path, [f"w-{n}" for n in range(10)])), "worker")
    asked: list[tuple[str, float]] = []

    class Slow(Connections):
        def ask(self, target: targets.Target, questions: Sequence[Probe]) -> dict[str, Answer]:
            time.sleep(0.2)
            asked.append((target.name, time.monotonic()))
            return {}

    snapshots = Snapshots(Slow(tmp_path))
    snapshots.prefetch([(target, test_security) for target in hosts] * 2)
    assert sorted(name for name, _ in asked) == [target.name for target in hosts]
    assert max(at for _, at in asked) - min(at for _, at in asked) < 10 * 0.2
    snapshots.close()


def test_secrets_are_hidden(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, Host("dev-box", "@local", Role.DEV_BOX), (), (), config_with_password("s3cr3t"))
    said = "s3cr3t at http://u:p@h and http://h:80/a@b, made: m4de"
    assert report.hide_secrets(said, cluster) == "*** at http://u:***@h and http://h:80/a@b, made: m4de"
    (tmp_path / "secrets.yaml").write_text("jwt_secret: m4de\n")
    assert report.hide_secrets(said, cluster) == "*** at http://u:***@h and http://h:80/a@b, made: ***"


def config_with_password(password: str) -> targets.Config:
    return targets.Config.model_validate({"user": "u", "password": password})
